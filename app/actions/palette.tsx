/** Every action of the page in one list, found by typing any of its letters in order. */
import { Command } from "cmdk";
import { Dialog } from "radix-ui";
import { useMemo, useState } from "react";
import { type Action, SECTIONS } from "./action.ts";
import { actionsLike } from "./found.ts";
import { KeyNames } from "./keynames.tsx";
import { actionsNow } from "./table.ts";

export default function Palette({ onClose }: { onClose(): void }) {
  const actions = useMemo(() => actionsNow().filter(({ run }) => run !== undefined), []);
  const [typed, setTyped] = useState("");
  const take = (action: Action) => {
    onClose();
    // After the dialog has given the focus back, so that what the action opens keeps it.
    setTimeout(() => action.run?.(), 0);
  };
  const item = (action: Action) => <Item key={action.id} action={action} onTake={take} />;
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className="sheet palette" aria-describedby={undefined}>
          <Dialog.Title className="hidden">Find an action</Dialog.Title>
          <Command label="Find an action" loop shouldFilter={false}>
            <Command.Input
              className="picker-search"
              placeholder="What do you want to do?"
              value={typed}
              onValueChange={setTyped}
            />
            <Command.List className="palette-list" label="Actions">
              <Command.Empty className="quiet picker-none">
                No action has these letters. Try a method, a model or "theme".
              </Command.Empty>
              {typed.trim() !== ""
                ? actionsLike(typed.trim(), actions).map(item)
                : SECTIONS.map((section) => {
                    const here = actions.filter((action) => action.section === section);
                    if (here.length === 0) return null;
                    return (
                      <Command.Group key={section} heading={section}>
                        {here.map(item)}
                      </Command.Group>
                    );
                  })}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Item({ action, onTake }: { readonly action: Action; onTake(action: Action): void }) {
  return (
    <Command.Item
      className="palette-item"
      value={action.id}
      disabled={action.why != null}
      onSelect={() => onTake(action)}
    >
      <span className="palette-title">{action.title}</span>
      <span className="palette-about">{action.why ?? action.about}</span>
      {action.keys?.[0] !== undefined && <KeyNames keys={action.keys[0]} />}
    </Command.Item>
  );
}
