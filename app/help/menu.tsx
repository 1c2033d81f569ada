/** The question mark in the header: tour, keys, glossary, and installing where the browser offers it. */
import { CircleHelp } from "lucide-react";
import { DropdownMenu } from "radix-ui";
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
          <Item onSelect={() => setTour(0)}>Take the tour</Item>
          <Item onSelect={() => show({ kind: "keys" })}>Keyboard map</Item>
          <Item onSelect={() => show({ kind: "palette" })}>Find an action</Item>
          <Item onSelect={() => show({ kind: "glossary" })}>Glossary</Item>
          {offered && <Item onSelect={() => installer()?.()}>Install as an app</Item>}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const Item = ({ onSelect, children }: { readonly onSelect: () => void; readonly children: React.ReactNode }) => (
  <DropdownMenu.Item className="menu-item" onSelect={onSelect}>
    {children}
  </DropdownMenu.Item>
);
