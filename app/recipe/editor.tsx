/** CodeMirror around the recipe: what is typed becomes the document once it parses; what the studio changes shows at once. */
import { autocompletion, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, type Diagnostic as Mark } from "@codemirror/lint";
import { Annotation, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { METHODS } from "../../methods/index.ts";
import { useModels } from "../state/models.ts";
import { holdsSame, textOf, useStudio } from "../state/studio.ts";
import { adoptText } from "./adopt.ts";

/** Marks changes that come from the studio, so that they are not taken for typing. */
const FromStudio = Annotation.define<boolean>();

const KEYS = [
  "name",
  "modules",
  "tokenizer",
  "source",
  "tokens",
  "pad_to_multiple_of",
  "chat_template",
  "compat",
  "experts",
  "source_model",
  "gate_mode",
  "positive_prompts",
  "experts_per_token",
  "merge_method",
  "base_model",
  "models",
  "slices",
  "sources",
  "model",
  "layer_range",
  "parameters",
  "filter",
  "value",
  "dtype",
  "out_dtype",
];

function complete(context: CompletionContext) {
  const word = context.matchBefore(/[\w./-]+/);
  if (word === null && !context.explicit) return null;
  const params = [...METHODS.values()].flatMap((method) =>
    Object.entries<{ help: string }>(method.params).map(([label, { help }]) => ({
      label,
      type: "property",
      info: help,
    })),
  );
  const methods = [...METHODS.values()].map(({ id, summary }) => ({ label: id, type: "function", info: summary }));
  const models = useModels.getState().list.map(({ summary }) => ({ label: summary.name, type: "variable" }));
  const seen = new Set<string>();
  const options = [...models, ...methods, ...params, ...KEYS.map((label) => ({ label, type: "keyword" }))].filter(
    ({ label }) => !seen.has(label) && seen.add(label),
  );
  return { from: word?.from ?? context.pos, options };
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--dim)" },
]);

function marks(view: EditorView): Mark[] {
  const text = view.state.doc.toString();
  return adoptText(text).map(({ from, to, severity, message }) => ({
    from: Math.min(from, text.length),
    to: Math.min(Math.max(to, from), text.length),
    severity,
    message,
  }));
}

export default function Editor() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return;
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: textOf(useStudio.getState()),
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          yaml(),
          indentUnit.of("  "),
          syntaxHighlighting(colours),
          autocompletion({ override: [complete] }),
          linter(marks, { delay: 250 }),
          lintGutter(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ "aria-label": "Recipe in YAML" }),
        ],
      }),
    });
    const stop = useStudio.subscribe((now, before) => {
      if (holdsSame(now, before)) return;
      const text = textOf(now);
      if (text === view.state.doc.toString()) return;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        annotations: FromStudio.of(true),
      });
    });
    return () => {
      stop();
      view.destroy();
    };
  }, []);
  return <div ref={place} className="editor" />;
}
