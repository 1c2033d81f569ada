/** The parameters that hold for the whole merge, made from the method's schema; seldom changed ones on request. */
import { ChevronDown } from "lucide-react";
import { Popover } from "radix-ui";
import type { AnyMethod, Param } from "../../core/method.ts";
import type { Recipe, Setting } from "../../core/recipe/recipe.ts";
import { Select, Switch } from "../controls/choice.tsx";
import { NumberField } from "../controls/number.tsx";
import { paramsOf, setParam } from "../state/edits.ts";
import { useStudio } from "../state/studio.ts";

interface Props {
  readonly method: AnyMethod;
  readonly recipe: Recipe;
}

/** mergekit's int8_mask saves memory there and does nothing here. */
const isShown = (id: string) => id !== "int8_mask";

export function Params({ method, recipe }: Props) {
  const all = paramsOf(method).filter(([id, param]) => param.per === "merge" && isShown(id));
  const isSet = (id: string) => recipe.parameters?.[id] !== undefined;
  const front = all.filter(([id, param]) => param.rare !== true || isSet(id));
  const rare = all.filter(([id, param]) => param.rare === true && !isSet(id));
  const field = ([id, param]: [string, Param]) => (
    <ParamField key={id} id={id} param={param} setting={recipe.parameters?.[id]} />
  );
  return (
    <div className="method-params">
      {front.map(field)}
      {rare.length > 0 && (
        <Popover.Root>
          <Popover.Trigger className="button button-ghost method-more">
            More <ChevronDown size={14} aria-hidden />
          </Popover.Trigger>
          <Popover.Portal>
            <Popover.Content className="menu rare" align="end" sideOffset={4} aria-label="More parameters">
              {rare.map(([id, param]) => (
                <div key={id}>
                  {field([id, param])}
                  <p className="quiet">{param.help}</p>
                </div>
              ))}
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
    </div>
  );
}

interface FieldProps {
  readonly id: string;
  readonly param: Param;
  readonly setting: Setting | undefined;
}

function ParamField({ id, param, setting }: FieldProps) {
  const edit = useStudio((state) => state.edit);
  const title = param.title === "" ? id : param.title;
  if (param.kind === "flag") {
    const value = typeof setting === "boolean" ? setting : param.default;
    return (
      <Switch
        label={title}
        help={param.help}
        value={value}
        onChange={(on) => edit((r) => setParam(r, id, on === param.default ? undefined : on))}
      />
    );
  }
  if (param.kind === "choice") {
    const value = typeof setting === "string" ? setting : param.default;
    return (
      <Select
        label={title}
        help={param.help}
        value={value}
        options={param.options.map((option) => ({ value: option.value, label: option.title }))}
        onChange={(word) => edit((r) => setParam(r, id, word === param.default ? undefined : word))}
      />
    );
  }
  const value = setting === undefined ? param.default : typeof setting === "number" ? setting : null;
  return (
    <NumberField
      label={title}
      help={param.help}
      value={value}
      empty="per layer"
      {...(param.hard === true ? { min: param.min, max: param.max } : {})}
      {...(param.step === undefined ? {} : { step: param.step })}
      onChange={(n) => edit((r) => setParam(r, id, n === param.default ? undefined : n))}
    />
  );
}
