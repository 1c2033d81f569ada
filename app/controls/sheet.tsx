/** A dialog over the page: a title, a way out, and what it is about. Escape and a press outside close it. */
import { X } from "lucide-react";
import { Dialog } from "radix-ui";
import type { ReactNode } from "react";

interface Props {
  readonly title: string;
  readonly wide?: boolean;
  readonly children: ReactNode;
  onClose(): void;
}

export function Sheet({ title, wide, children, onClose }: Props) {
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className={wide === true ? "sheet sheet-wide" : "sheet"} aria-describedby={undefined}>
          <header>
            <Dialog.Title asChild>
              <h2 className="sheet-title">{title}</h2>
            </Dialog.Title>
            <Dialog.Close className="button button-icon" aria-label="Close">
              <X size={16} aria-hidden />
            </Dialog.Close>
          </header>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
