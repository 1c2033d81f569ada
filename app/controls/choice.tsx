/** Small choices: a switch, a row of segments, a drop-down. All of them native or ARIA-complete. */
import { type ReactNode, useId } from "react";

interface SwitchProps {
  readonly label: string;
  readonly value: boolean;
  readonly help?: string;
  onChange(value: boolean): void;
}

export function Switch({ label, value, help, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div className="field" title={help}>
      <span id={id} className="field-label">
        {label}
      </span>
      <button
        type="button"
        role="switch"
        aria-checked={value}
        aria-labelledby={id}
        className="switch"
        onClick={() => onChange(!value)}
      />
    </div>
  );
}

interface Option<T> {
  readonly value: T;
  readonly label: string;
}

interface ChoiceProps<T> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly help?: string | undefined;
  onChange(value: T): void;
}

export function Segments<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <fieldset className="segments">
      <legend className="hidden">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}

export function Select<T extends string>({
  label,
  value,
  options,
  help,
  onChange,
  hideLabel,
  disabled,
}: ChoiceProps<T> & { readonly hideLabel?: boolean; readonly disabled?: boolean }) {
  const id = useId();
  return (
    <div className="field" title={help}>
      <label htmlFor={id} className={hideLabel === true ? "hidden" : "field-label"}>
        {label}
      </label>
      <select
        id={id}
        className="select"
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value as T)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="row">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
