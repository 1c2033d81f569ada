/** Whose tokens the result has, rows to pad to, and the chat template. */
import { TEMPLATES } from "../../core/recipe/words.ts";
import { Select } from "../controls/choice.tsx";
import { castOf, roleOf } from "../state/edits.ts";
import { useStudio } from "../state/studio.ts";
import { paddingOf, setChatTemplate, setPadding, setTokenizerSource, tokenizerSource } from "../state/vocabulary.ts";

const KEEP = "keep";
const MULTIPLES = [8, 16, 32, 64, 128, 256];

const tokenizerHelp =
  "Carried over: files as they are, rows of the embeddings merged by number. Otherwise the embeddings of all models are put into the order of the tokenizer chosen, and tokens a model does not have get an average or nothing.";

export function Vocabulary() {
  const recipe = useStudio((state) => state.recipe);
  const edit = useStudio((state) => state.edit);
  const chained = useStudio((state) => state.earlier.length > 0);
  const source = tokenizerSource(recipe);
  const padding = paddingOf(recipe);
  const template = recipe.chat_template;
  const named = template === undefined || template === "auto" || TEMPLATES.includes(template);
  const models = castOf(recipe).filter((name) => name !== "base" && name !== "union" && name !== recipe.base_model);
  const sources = [
    ...(recipe.base_model === undefined && source !== "base" ? [] : ["base"]),
    "union",
    ...models,
    ...(source === null || ["base", "union", ...models].includes(source) ? [] : [source]),
  ];
  const title = (one: string) => {
    if (one === "union") return "all tokens of all models";
    if (one === "base") return "the base's tokens";
    const role = roleOf(recipe, one);
    return role === null ? `${one}'s tokens` : `${role} · ${one}'s tokens`;
  };
  const help = chained ? "In a file of several recipes tokens stay as they are." : tokenizerHelp;
  return (
    <div className="output">
      <div className="output-wide">
        <Select
          label="Tokenizer"
          help={help}
          disabled={chained}
          value={source ?? KEEP}
          options={[
            { value: KEEP, label: "carried over as it is" },
            ...sources.map((one) => ({ value: one, label: title(one) })),
          ]}
          onChange={(one) => edit((r) => setTokenizerSource(r, one === KEEP ? null : one))}
        />
      </div>
      <Select
        label="Rows, multiple of"
        help="Rows of the embeddings are filled up to a multiple of this, for speed on GPUs. Without a tokenizer chosen, the base's is taken."
        disabled={chained}
        value={String(padding ?? KEEP)}
        options={[
          { value: KEEP, label: "any" },
          ...[...new Set([...MULTIPLES, ...(padding === null ? [] : [padding])])]
            .sort((a, b) => a - b)
            .map((n) => ({ value: String(n), label: String(n) })),
        ]}
        onChange={(n) => edit((r) => setPadding(r, n === KEEP ? null : Number(n)))}
      />
      <Select
        label="Chat template"
        help="Auto takes the one most models have. A template of your own is written in the recipe."
        value={template === undefined ? KEEP : named ? template : "own"}
        options={[
          { value: KEEP, label: "as it is" },
          { value: "auto", label: "auto" },
          ...TEMPLATES.map((name) => ({ value: name, label: name })),
          ...(named ? [] : [{ value: "own", label: "the recipe's own" }]),
        ]}
        onChange={(name) => name !== "own" && edit((r) => setChatTemplate(r, name === KEEP ? null : name))}
      />
    </div>
  );
}
