/** A number that can be typed. What is typed counts once it is a number and the field is left or Enter pressed. */
import { useEffect, useId, useState } from "react";
import { Field } from "./hint.tsx";

interface Props {
  readonly label: string;
  readonly value: number | null;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly help?: string;
  /** What stands there for null, e.g. "mixed". */
  readonly empty?: string;
  readonly hideLabel?: boolean;
  readonly disabled?: boolean;
  onChange(value: number): void;
}

export const shown = (value: number): string => String(Number(value.toFixed(4)));

export function NumberField({
  label,
  value,
  min,
  max,
  step = 0.01,
  help,
  empty = "",
  hideLabel,
  disabled,
  onChange,
}: Props) {
  const id = useId();
  const [text, setText] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a value from outside ends typing
  useEffect(() => setText(null), [value]);

  const clamp = (n: number) => Math.min(max ?? n, Math.max(min ?? n, n));
  const commit = () => {
    const number = Number(text);
    if (text !== null && text.trim() !== "" && Number.isFinite(number)) onChange(clamp(number));
    setText(null);
  };
  const nudge = (by: number) => onChange(clamp(Number(((value ?? 0) + by).toFixed(6))));
  return (
    <Field help={help} id={`${id}-help`}>
      <label htmlFor={id} className={hideLabel === true ? "hidden" : "field-label"}>
        {label}
      </label>
      <input
        id={id}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        className="number"
        inputMode="decimal"
        autoComplete="off"
        disabled={disabled}
        placeholder={empty}
        value={text ?? (value === null ? "" : shown(value))}
        onChange={(event) => setText(event.target.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          else if (event.key === "Escape") setText(null);
          else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            nudge((event.key === "ArrowUp" ? step : -step) * (event.shiftKey ? 10 : 1));
          }
        }}
      />
    </Field>
  );
}
