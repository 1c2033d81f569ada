/**
 * CodeMirror around the recipe: what is typed becomes the document once typing rests, or before anything else is done to
 * the document; what the studio changes shows at once, but never in place of what somebody is at.
 */
import { autocompletion, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, type Diagnostic as Mark } from "@codemirror/lint";
import { Annotation, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { useModels } from "../state/models.ts";
import { holdsSame, textOf, useStudio } from "../state/studio.ts";
import { settle, setUnread } from "../state/unread.ts";
import { adoptText } from "./adopt.ts";
import { changeBetween } from "./change.ts";
import { setDraft, unfinishedText, useFaults } from "./draft.ts";
import { placeAt } from "./place.ts";
import { meaningOf, wordsAt } from "./schema.ts";

/** Marks changes that come from the studio, so that they are not taken for typing. */
const FromStudio = Annotation.define<boolean>();

function wordsFor(text: string, offset: number) {
  const names = useModels.getState().list.map(({ summary }) => summary.name);
  return wordsAt(placeAt(text, offset), names, /^experts:/m.test(text));
}

const LOOKS = {
  key: "keyword",
  method: "function",
  parameter: "property",
  model: "variable",
  value: "constant",
} as const;

function complete(context: CompletionContext) {
  const word = context.matchBefore(/[\w./@+-]+/);
  const text = context.state.doc.toString();
  const from = word?.from ?? context.pos;
  const isValue = placeAt(text, from).key !== null;
  // Where a value is due its words are few and shown at once; keys wait for a letter.
  if (word === null && !context.explicit && !(isValue && context.matchBefore(/:\s/) !== null)) return null;
  const options = wordsFor(text, from).map(({ word: label, kind, about }, i) => ({
    label,
    type: LOOKS[kind],
    // The order of the schema, where the letters typed do not decide.
    boost: -Math.min(i, 99),
    ...(about === "" ? {} : { info: about }),
    ...(kind === "key" || kind === "parameter" ? { apply: `${label}: ` } : {}),
  }));
  return options.length === 0 ? null : { from, options, validFor: /^[\w./@+-]*$/ };
}

/** What a key, a parameter, a method or a type means, where the pointer rests on it. */
const meanings = hoverTooltip((view, pos) => {
  const line = view.state.doc.lineAt(pos);
  for (const match of line.text.matchAll(/[\w-]*\w/g)) {
    const from = line.from + match.index;
    const to = from + match[0].length;
    if (pos < from || pos > to || line.text.slice(0, match.index).includes("#")) continue;
    const meaning = meaningOf(match[0], placeAt(view.state.doc.toString(), from));
    if (meaning === null) return null;
    const create = () => {
      const dom = document.createElement("div");
      dom.className = "help-tip";
      dom.textContent = meaning;
      return { dom };
    };
    return { pos: from, end: to, above: true, create };
  }
  return null;
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: tags.comment, color: "var(--dim)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--dim)" },
]);

function marks(view: EditorView): Mark[] {
  const text = view.state.doc.toString();
  const found = adoptText(text);
  const hasErrors = found.some(({ severity }) => severity === "error");
  useFaults.setState({ list: found, unfinished: hasErrors ? { text, beside: useStudio.getState() } : null });
  return found.map(({ from, to, severity, message }) => ({
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
        doc: unfinishedText(useStudio.getState()) ?? textOf(useStudio.getState()),
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          EditorView.lineWrapping,
          highlightActiveLine(),
          yaml(),
          indentUnit.of("  "),
          syntaxHighlighting(colours),
          autocompletion({ override: [complete] }),
          EditorView.updateListener.of(({ docChanged, transactions }) => {
            if (docChanged && transactions.some((one) => one.annotation(FromStudio) !== true))
              setUnread(() => marks(view));
          }),
          linter(
            (view) => {
              setUnread(null);
              return marks(view);
            },
            { delay: 250 },
          ),
          lintGutter(),
          meanings,
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({ "aria-label": "Recipe in YAML" }),
        ],
      }),
    });
    const read = () => view.state.doc.toString();
    const replace = (text: string, ...annotations: Annotation<boolean>[]) =>
      view.dispatch({ changes: changeBetween(read(), text), annotations });
    setDraft({
      read,
      write: (text) => replace(text),
      goTo: (offset) => {
        view.dispatch({ selection: { anchor: Math.min(offset, view.state.doc.length) }, scrollIntoView: true });
        view.focus();
      },
    });
    const stop = useStudio.subscribe((now, before) => {
      if (holdsSame(now, before)) return;
      const shown = read();
      const text = textOf(now);
      if (text === shown) return;
      // Whoever is in the middle of a line is left to it, unless another text came as a whole (a file, a version).
      const isAtIt = document.activeElement === view.contentDOM && useFaults.getState().unfinished?.text === shown;
      if (isAtIt && now.text === null) useFaults.setState({ unfinished: { text: shown, beside: now } });
      else replace(text, FromStudio.of(true));
    });
    return () => {
      settle();
      stop();
      setDraft(null);
      view.destroy();
    };
  }, []);
  return <div ref={place} className="editor" />;
}
