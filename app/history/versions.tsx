/** Named versions of the mix: save, restore, compare, rename, delete. */
import { MoreHorizontal, Save } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import { Button } from "../controls/button.tsx";
import { MenuItem } from "../controls/menu.tsx";
import { say } from "../state/messages.ts";
import { useShown } from "../state/shown.ts";
import { useStudio } from "../state/studio.ts";
import {
  bringBack,
  deleteVersion,
  renameVersion,
  restoreVersion,
  saveVersion,
  useVersions,
  type Version,
} from "../state/versions.ts";

/** "today 14:05", "24 Nov 14:05" */
export function whenOf(at: number): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hour12: false });
  if (date.toDateString() === new Date().toDateString()) return `today ${time}`;
  return `${date.toLocaleDateString("en", { day: "numeric", month: "short" })} ${time}`;
}

export function VersionList() {
  const list = useVersions((state) => state.list);
  const title = useStudio((state) => state.title);
  const [name, setName] = useState("");
  return (
    <section aria-label="Versions">
      <h3>Versions</h3>
      <form
        className="version-save"
        onSubmit={(event) => {
          event.preventDefault();
          void saveVersion(name).then(() => setName(""));
        }}
      >
        <input
          className="text"
          aria-label="Name of the version"
          placeholder={`Name, or "${title}" and the hour`}
          maxLength={120}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit">
          <Save size={14} aria-hidden /> Save
        </Button>
      </form>
      {list !== null && list.length === 0 && (
        <p className="quiet">A version keeps the recipe as it stands, also when the page is closed.</p>
      )}
      <ul className="versions">
        {(list ?? []).map((version) => (
          <VersionRow key={version.id} version={version} />
        ))}
      </ul>
    </section>
  );
}

function VersionRow({ version }: { readonly version: Version }) {
  const [naming, setNaming] = useState(false);
  return (
    <li className="version">
      {naming ? (
        <input
          className="text"
          aria-label={`New name of ${version.name}`}
          defaultValue={version.name}
          maxLength={120}
          // biome-ignore lint/a11y/noAutofocus: it replaces the name that was just asked to be changed
          autoFocus
          onBlur={(event) => {
            setNaming(false);
            void renameVersion(version.id, event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") event.currentTarget.blur();
            if (event.key === "Escape") {
              event.currentTarget.value = version.name;
              setNaming(false);
            }
          }}
        />
      ) : (
        <button type="button" className="step" title="Restore this version" onClick={() => restoreVersion(version)}>
          <span className="version-name">{version.name}</span>
          <span className="version-when">{whenOf(version.at)}</span>
        </button>
      )}
      <DropdownMenu.Root>
        <DropdownMenu.Trigger className="button button-icon" aria-label={`Actions for version ${version.name}`}>
          <MoreHorizontal size={16} aria-hidden />
        </DropdownMenu.Trigger>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
            <MenuItem onSelect={() => restoreVersion(version)}>Restore</MenuItem>
            <MenuItem onSelect={() => useShown.getState().show({ kind: "compare", before: version.id })}>
              Compare with now
            </MenuItem>
            <MenuItem onSelect={() => setNaming(true)}>Rename</MenuItem>
            <MenuItem
              onSelect={() =>
                void deleteVersion(version.id).then(() =>
                  say("info", `"${version.name}" is deleted.`, {
                    title: "Bring it back",
                    run: () => void bringBack(version),
                  }),
                )
              }
            >
              Delete
            </MenuItem>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </li>
  );
}
