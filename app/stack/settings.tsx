/** Parameters of a slice or of one source: a number, a list of filters, or, for what is drawn over layers, its values. */
import { Filter, X } from "lucide-react";
import type { NumberParam, Param } from "../../core/method.ts";
import { isConditions } from "../../core/recipe/evaluate.ts";
import type { Condition, Setting, Settings } from "../../core/recipe/recipe.ts";
import { Button } from "../controls/button.tsx";
import { Select, Switch } from "../controls/choice.tsx";
import { NumberField, shown } from "../controls/number.tsx";

interface Props {
  readonly params: readonly (readonly [id: string, param: Param])[];
  readonly settings: Settings | undefined;
  /** What holds where nothing is set here. */
  readonly around: Settings | undefined;
  /** "slice 2" or "slice 2, adder", for the names of fields. */
  readonly whose: string;
  set(id: string, value: Setting | undefined): void;
}

export function SettingFields({ params, settings, around, whose, set }: Props) {
  return (
    <div className="slice-settings">
      {params.map(([id, param]) => (
        <Field
          key={id}
          param={param}
          setting={settings?.[id]}
          outer={around?.[id]}
          whose={whose}
          set={(value) => set(id, value)}
        />
      ))}
    </div>
  );
}

interface FieldProps {
  readonly param: Param;
  readonly setting: Setting | undefined;
  readonly outer: Setting | undefined;
  readonly whose: string;
  set(value: Setting | undefined): void;
}

function Field({ param, setting, outer, whose, set }: FieldProps) {
  const label = `${param.title} of ${whose}`;
  if (setting !== undefined && isConditions(setting))
    return <Conditions list={setting} title={param.title} whose={whose} set={set} />;
  if (typeof setting === "object") {
    return (
      <p className="slice-setting">
        <span className="quiet">{param.title}</span> {setting.join(" → ")}
        <Clear label={`Take out ${label}`} onClick={() => set(undefined)} />
      </p>
    );
  }
  if (param.kind === "flag")
    return (
      <Switch
        label={param.title}
        help={param.help}
        value={(setting ?? outer ?? param.default) === true}
        onChange={set}
      />
    );
  if (param.kind === "choice") {
    return (
      <Select
        label={param.title}
        help={param.help}
        value={typeof setting === "string" ? setting : param.default}
        options={param.options.map(({ value, title }) => ({ value, label: title }))}
        onChange={set}
      />
    );
  }
  const value = typeof setting === "number" ? setting : null;
  return (
    <div className="slice-setting">
      <span className="quiet" aria-hidden>
        {param.title}
      </span>
      <NumberField label={label} hideLabel {...boundsOf(param, outer)} value={value} onChange={set} />
      {value !== null && <Clear label={`Take out ${label}`} onClick={() => set(undefined)} />}
      <Button
        look="icon"
        aria-label={`${label} by filter`}
        title="Other values for tensors whose name contains a word"
        onClick={() =>
          set([{ filter: "o_proj", value: value ?? param.default ?? 1 }, { value: value ?? param.default ?? 1 }])
        }
      >
        <Filter size={13} aria-hidden />
      </Button>
    </div>
  );
}

const boundsOf = ({ min, max, step, hard, help, default: preset }: NumberParam, outer: Setting | undefined) => ({
  ...(step === undefined ? {} : { step }),
  help,
  empty:
    typeof outer === "number"
      ? shown(outer)
      : typeof outer === "object"
        ? "varies"
        : preset === null
          ? ""
          : shown(preset),
  ...(hard === true ? { min, max } : {}),
});

interface ConditionsProps {
  readonly list: readonly Condition[];
  readonly title: string;
  readonly whose: string;
  set(value: Setting | undefined): void;
}

/** "where the name contains o_proj: 0"; the first that matches counts. */
function Conditions({ list, title, whose, set }: ConditionsProps) {
  const change = (at: number, next: Condition) => set(list.with(at, next));
  const remove = (at: number) => {
    const left = list.filter((_, i) => i !== at);
    const [only] = left;
    const last = left.length === 1 && only?.filter === undefined ? only?.value : undefined;
    set(left.length === 0 ? undefined : (last ?? left));
  };
  return (
    <fieldset className="slice-conditions">
      <legend className="quiet">{title}: the first that matches counts</legend>
      {list.map((one, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: conditions have no identity but their place
        <div key={i} className="slice-setting">
          {one.filter === undefined ? (
            <span className="condition-rest">everything else</span>
          ) : (
            <input
              className="number condition-name"
              aria-label={`Filter ${i + 1} of ${title} of ${whose}`}
              title="Part of a tensor's name: o_proj, mlp, norm ..."
              defaultValue={one.filter}
              key={one.filter}
              onBlur={({ target }) =>
                target.value.trim() !== "" &&
                target.value !== one.filter &&
                change(i, { ...one, filter: target.value.trim() })
              }
              onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
            />
          )}
          {typeof one.value === "number" ? (
            <NumberField
              label={`${title} of ${whose} for ${one.filter ?? "everything else"}`}
              hideLabel
              value={one.value}
              onChange={(value) => change(i, { ...one, value })}
            />
          ) : (
            <span>{Array.isArray(one.value) ? one.value.join(" → ") : String(one.value)}</span>
          )}
          <Clear label={`Remove filter ${i + 1} of ${title} of ${whose}`} onClick={() => remove(i)} />
        </div>
      ))}
      <Button look="ghost" onClick={() => set([{ filter: "down_proj", value: list[0]?.value ?? 1 }, ...list])}>
        Add a filter
      </Button>
    </fieldset>
  );
}

const Clear = ({ label, onClick }: { readonly label: string; readonly onClick: () => void }) => (
  <Button look="icon" aria-label={label} title={label} onClick={onClick}>
    <X size={13} aria-hidden />
  </Button>
);
