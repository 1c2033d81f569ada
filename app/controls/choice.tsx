/** Small choices: a switch, a row of segments, a drop-down. All of them native or ARIA-complete. */
import { type ReactNode, useId } from "react";
import { Hinted, Term } from "../help/term.tsx";
import { Field } from "./hint.tsx";

interface SwitchProps {
  readonly label: string;
  readonly value: boolean;
  readonly help?: string;
  onChange(value: boolean): void;
}

export function Switch({ label, value, help, onChange }: SwitchProps) {
  const id = useId();
  return (
    <Field help={help} id={`${id}-help`}>
      <span id={id} className="field-label">
        {label}
      </span>
      <button
        type="button"
        role="switch"
        aria-checked={value}
        aria-labelledby={id}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
        className="switch"
        onClick={() => onChange(!value)}
      />
    </Field>
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
    <Field help={help} id={`${id}-help`}>
      <label htmlFor={id} className={hideLabel === true ? "hidden" : "field-label"}>
        {label}
      </label>
      <select
        id={id}
        aria-describedby={help === undefined ? undefined : `${id}-help`}
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
    </Field>
  );
}

interface RowProps {
  readonly name: string;
  /** The glossary's term for it, shown on hover and focus. */
  readonly term?: string;
  /** Where no term says it: a sentence of its own. */
  readonly help?: string;
  readonly children: ReactNode;
}

export function Row({ name, term, help, children }: RowProps) {
  return (
    <div className="row">
      <dt>
        {term !== undefined ? (
          <Term of={term}>{name}</Term>
        ) : help !== undefined ? (
          <Hinted help={help}>{name}</Hinted>
        ) : (
          name
        )}
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
