/**
 * A sentence of help at a control or a word: seen on hover and on focus, read out with the control. Escape hides it.
 */
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

/** Has to stand around everything that shows hints. */
export const Hints = ({ children }: { readonly children: ReactNode }) => (
  <Tooltip.Provider delayDuration={350} skipDelayDuration={200}>
    {children}
  </Tooltip.Provider>
);

interface Props {
  readonly help: ReactNode;
  /** One element that takes pointer and focus. */
  readonly children: ReactNode;
}

export function Hint({ help, children }: Props) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="help-tip" sideOffset={5} collisionPadding={10}>
          {help}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

interface FieldProps {
  readonly help: string | undefined;
  /** Id for the control's aria-describedby. */
  readonly id: string;
  readonly children: ReactNode;
}

/** A label and its control, with a sentence that both hover and focus bring up. */
export function Field({ help, id, children }: FieldProps) {
  if (help === undefined) return <div className="field">{children}</div>;
  return (
    <Hint help={help}>
      {/* The control inside is described by the hidden text; the group itself needs no description. */}
      <div className="field" aria-describedby={undefined}>
        {children}
        <span id={id} className="hidden">
          {help}
        </span>
      </div>
    </Hint>
  );
}
