/**
 * From the Hub: a name, an address or words to search for, and models to add as if they had been dropped. Nothing is asked
 * before something is typed, and of a model that is added only headers and small files come until a merge starts.
 */
import { Command } from "cmdk";
import { CircleCheck, Lock } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import "../style/hub.css";
import type { HubSearch } from "../../workers/api.ts";
import { HUB } from "../../workers/built.ts";
import { Button } from "../controls/button.tsx";
import { Select } from "../controls/choice.tsx";
import { Sheet } from "../controls/sheet.tsx";
import { useModels } from "../state/models.ts";
import { Account } from "./account.tsx";
import { Keeping } from "./keeping.tsx";
import { Linked } from "./linked.tsx";
import { type Hit, type Look, useLook } from "./look.ts";
import { openRefs } from "./opening.ts";
import { Underway } from "./underway.tsx";
import { Wait } from "./wait.tsx";
import { factsOf, sizeOf, taskInWords } from "./words.ts";

const TASKS = [
  "text-generation",
  "image-text-to-text",
  "text-to-image",
  "feature-extraction",
  "text-classification",
  "automatic-speech-recognition",
] as const;

interface Ordered {
  readonly value: HubSearch["sort"];
  readonly label: string;
}

const SORTS: readonly Ordered[] = [
  { value: "downloads", label: "Most downloaded" },
  { value: "trendingScore", label: "Trending" },
  { value: "likes", label: "Most liked" },
  { value: "lastModified", label: "Last changed" },
];

export default function HubSheet({ onClose }: { onClose(): void }) {
  const [words, setWords] = useState("");
  const [task, setTask] = useState<string>("");
  const [sort, setSort] = useState<HubSearch["sort"]>("downloads");
  const [turn, setTurn] = useState(0);
  const look = useLook({ words, task: task === "" ? null : task, sort }, turn);
  const [chosen, setChosen] = useState("");
  const first = look.hits[0]?.ref ?? "";
  useEffect(() => setChosen(first), [first]);
  return (
    <Sheet title="From the Hub" wide onClose={onClose}>
      <Command
        className="hub"
        label="Find models on the Hub"
        loop
        shouldFilter={false}
        value={chosen}
        onValueChange={setChosen}
      >
        <div className="hub-ask">
          <Command.Input
            className="hub-words"
            autoFocus
            placeholder="Search, or paste org/name[@revision] or a link"
            value={words}
            onValueChange={setWords}
          />
          <Apart>
            <Select
              label="Task"
              hideLabel
              value={task}
              options={[
                { value: "", label: "Any task" },
                ...TASKS.map((one) => ({ value: one, label: taskInWords(one) })),
              ]}
              onChange={setTask}
            />
            <Select label="Order" hideLabel value={sort} options={SORTS} onChange={(next) => setSort(next)} />
          </Apart>
        </div>
        <div className="hub-state">
          <p role="status">
            <Said look={look} words={words} />
          </p>
          {(look.state === "failed" || look.state === "offline") && (
            <Apart>
              <Button onClick={() => setTurn((before) => before + 1)}>Try again</Button>
            </Apart>
          )}
        </div>
        <Command.List className="hub-list" label="Models on the Hub">
          {look.hits.map((hit) => (
            <Row key={`${hit.ref} ${hit.isNamed}`} hit={hit} isOld={look.state === "looking"} />
          ))}
        </Command.List>
      </Command>
      <Underway />
      <Keeping />
      <Account />
    </Sheet>
  );
}

/** One line about what is shown, or why nothing is. */
function Said({ look: { state, hits, error }, words }: { readonly look: Look; readonly words: string }) {
  if (state === "idle")
    return (
      <span>
        Of a model that you add, only headers and small files are fetched ({new URL(HUB.endpoint).host}). Weights come
        when a merge starts, range by range; nothing is sent there but the requests.
      </span>
    );
  if (state === "offline") return <span>There is no network. Models on this machine can be opened all the same.</span>;
  if (state === "looking")
    return (
      <span>
        Asking the Hub ... <Wait />
      </span>
    );
  if (error !== null)
    return (
      <span className="hub-bad">
        <Linked text={error} />
      </span>
    );
  if (hits.length === 0)
    return (
      <span>
        No model with safetensors weights has "{words.trim()}" in its name. Fewer words find more; a whole name with its
        organisation finds private models too.
      </span>
    );
  return (
    <span>{hits.length === 1 ? "One model" : `${hits.length} models`}. Arrow keys choose, Enter adds to the mix.</span>
  );
}

/** Arrows and Enter in it are its own, not the list's. */
const Apart = ({ children }: { readonly children: ReactNode }) => (
  <fieldset className="hub-apart" onKeyDown={(event) => event.stopPropagation()}>
    {children}
  </fieldset>
);

/** @param isOld of a search before the one under way: shown, but not to be added by an early Enter */
function Row({ hit: { ref, model }, isOld }: { readonly hit: Hit; readonly isOld: boolean }) {
  const isOpen = useModels(({ list }) => list.some(({ origin }) => origin.kind === "hub" && origin.ref === ref));
  const isOpening = useModels(({ opening }) => opening.includes(ref));
  return (
    <Command.Item
      className={isOld ? "hub-row hub-old" : "hub-row"}
      value={ref}
      disabled={isOpen || isOpening || isOld}
      onSelect={() => void openRefs([ref])}
    >
      <span className="hub-name">
        {ref}
        {model.gated !== null && (
          <span className="hub-mark" title={`Its terms must be accepted on ${HUB.endpoint}/${model.repo}`}>
            gated{model.gated === "manual" ? ", by hand" : ""}
          </span>
        )}
        {model.private && (
          <span className="hub-mark">
            <Lock size={11} aria-hidden /> private
          </span>
        )}
      </span>
      <span className="hub-size">{sizeOf(model) ?? "size not stated"}</span>
      <span className="hub-facts">{factsOf(model)}</span>
      <span className="hub-add">
        {isOpen ? (
          <>
            <CircleCheck size={13} aria-hidden /> open
          </>
        ) : isOpening ? (
          "opening ..."
        ) : (
          "Add"
        )}
      </span>
    </Command.Item>
  );
}
