/** The question mark in the header: tour, keys, glossary, and installing where the browser offers it. */
import { CircleHelp } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { MenuItem } from "../controls/menu.tsx";
import { installer, useInstall } from "../platform/offline.ts";
import { useShown } from "../state/shown.ts";

export function HelpMenu() {
  const { show, setTour } = useShown.getState();
  const offered = useInstall((state) => state.offer !== null);
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className="button button-ghost" aria-label="Help" title="Help">
        <CircleHelp size={16} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <MenuItem onSelect={() => setTour(0)}>Take the tour</MenuItem>
          <MenuItem onSelect={() => show({ kind: "keys" })}>Keyboard map</MenuItem>
          <MenuItem onSelect={() => show({ kind: "palette" })}>Find an action</MenuItem>
          <MenuItem onSelect={() => show({ kind: "glossary" })}>Glossary</MenuItem>
          {offered && <MenuItem onSelect={() => installer()?.()}>Install as an app</MenuItem>}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
