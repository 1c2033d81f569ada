/** The menu of methods: in groups, each with the sentence that says what it does, narrowed by typing. */
import { ChevronDown } from "lucide-react";
import { Popover } from "radix-ui";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { AnyMethod } from "../../core/method.ts";
import { GROUPS, type MethodGroup } from "../../methods/index.ts";

/** The groups with the methods in which every word occurs, in name, sentences or reference. */
export function methodsLike(words: string): readonly MethodGroup[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = ({ id, title, summary, use, reference }: AnyMethod) => {
    const said = `${id} ${title} ${summary} ${use} ${reference}`.toLowerCase();
    return wanted.every((word) => said.includes(word));
  };
  return GROUPS.map(({ title, methods }) => ({ title, methods: methods.filter(fits) })).filter(
    ({ methods }) => methods.length > 0,
  );
}

/** Whether a name begins so, spelt with spaces, hyphens or underscores. */
const isCalled = (id: string, words: string) =>
  id.startsWith(
    words
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_"),
  );

interface Props {
  readonly method: AnyMethod;
  onChoose(id: string): void;
}

export function MethodPicker({ method, onChoose }: Props) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="method-name" aria-label={`Merge method: ${method.title}`}>
        {method.title} <ChevronDown size={17} aria-hidden />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          className="menu picker"
          aria-label="Choose a merge method"
          align="start"
          sideOffset={4}
          collisionPadding={12}
        >
          <Choices
            current={method.id}
            onChoose={(id) => {
              setOpen(false);
              onChoose(id);
            }}
          />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Choices({ current, onChoose }: { readonly current: string; onChoose(id: string): void }) {
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<string | null>(current);
  const list = useRef<HTMLDivElement>(null);
  const key = useId();
  const groups = methodsLike(words);
  const shown = groups.flatMap(({ methods }) => methods);
  const at = Math.max(
    0,
    shown.findIndex(({ id }) => (chosen === null ? isCalled(id, words) : id === chosen)),
  );
  const active = shown[at];
  const optionId = (id: string) => `${key}-${id}`;

  useEffect(() => {
    if (active !== undefined) document.getElementById(`${key}-${active.id}`)?.scrollIntoView({ block: "nearest" });
  }, [active, key]);

  const press = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const to: Record<string, number> = {
      ArrowDown: at === last ? 0 : at + 1,
      ArrowUp: at === 0 ? last : at - 1,
      PageDown: Math.min(last, at + 6),
      PageUp: Math.max(0, at - 6),
    };
    if (event.key === "Enter") {
      event.preventDefault();
      if (active !== undefined) onChoose(active.id);
    }
    const next = to[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setChosen(shown[next]?.id ?? null);
  };

  return (
    <>
      <input
        className="picker-search"
        role="combobox"
        aria-label="Find a method"
        aria-expanded="true"
        aria-controls={`${key}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active === undefined ? undefined : optionId(active.id)}
        placeholder="Find a method"
        autoComplete="off"
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setChosen(event.target.value === "" ? current : null);
        }}
        onKeyDown={press}
      />
      {shown.length === 0 && (
        <p className="quiet picker-none" role="status">
          No method has these words. Try a paper's author, or fewer words.
        </p>
      )}
      <div ref={list} id={`${key}-list`} role="listbox" aria-label="Merge methods" className="picker-list">
        {groups.map((group, i) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset may not stand in a listbox
          <div key={group.title} role="group" aria-labelledby={`${key}-group-${i}`}>
            <div id={`${key}-group-${i}`} className="picker-group">
              {group.title}
            </div>
            {group.methods.map(({ id, title, summary }) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the search field's
              // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant points at it
              <div
                key={id}
                id={optionId(id)}
                role="option"
                aria-selected={id === current}
                className={id === active?.id ? "picker-option picker-active" : "picker-option"}
                onPointerMove={() => setChosen(id)}
                onClick={() => onChoose(id)}
              >
                <span className="picker-title">
                  {title} <code>{id}</code>
                </span>
                <span className="picker-summary">{summary}</span>
              </div>
            ))}
          </div>
        ))}
      </div>
    </>
  );
}
