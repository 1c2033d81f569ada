/**
 * How the models of the mix lie to each other, tensor by tensor: computed in the background from a sample of the
 * weights once the models stand still for a moment, and kept in the browser under the identity of their files.
 */
import { get, set } from "idb-keyval";
import { create } from "zustand";
import { isAbort } from "../../core/errors.ts";
import type { ModelSummary, SurveyRow, TensorRow } from "../../workers/api.ts";
import { castOf } from "./edits.ts";
import { host } from "./host.ts";
import { useModels } from "./models.ts";
import { type Packed, packed, unpacked } from "./packed.ts";
import { isRunning, useRun } from "./run.ts";
import { useStudio } from "./studio.ts";

export interface Party {
  /** What distances are from: the base, or the first model where the recipe names none. */
  readonly reference: ModelSummary;
  readonly models: readonly ModelSummary[];
  readonly isBased: boolean;
}

interface Heat {
  readonly party: Party | null;
  readonly key: string | null;
  /** By tensor; a new map with every batch. */
  readonly rows: ReadonlyMap<string, SurveyRow>;
  readonly total: number;
  /** "asking": the sample would be downloaded, and somebody has to want it. */
  readonly state: "none" | "asking" | "looking" | "done" | "stopped" | "failed";
  /** Bytes of the sample that come from the Hub. */
  readonly download: number;
}

const EMPTY: Heat = { party: null, key: null, rows: new Map(), total: 0, state: "none", download: 0 };
export const useHeat = create<Heat>(() => EMPTY);

const JOB = "heat";
/** Elements of each tensor that are looked at. */
const MOST = 65_536;
/** The same where a model is on the Hub: two stretches, each a request of its own. */
const MOST_FAR = 8192;
/** Bytes that are downloaded without being asked for. */
const UNASKED = 4e6;
/** Milliseconds that models stand still before weights are read. */
const AFTER = 600;
/** Milliseconds between two drawings of what has come in: somebody may be drawing curves meanwhile. */
const SHOWN = 1000;
/** Beside this many models a strip could not be read. */
const MODELS = 6;
/** Changes when figures are computed or kept in another way. */
const VERSION = 2;

/** Who is compared, for the recipe on the page and the models that are open; null while one is missing. */
export function partyOf(
  recipe: ReturnType<typeof useStudio.getState>["recipe"],
  open: readonly ModelSummary[],
): Party | null {
  const cast = castOf(recipe).map((name) => open.find((model) => model.name === name));
  const [first, ...others] = cast.filter((model) => model !== undefined);
  if (first === undefined || others.length === 0 || cast.includes(undefined)) return null;
  const reference = open.find(({ name }) => name === recipe.base_model) ?? first;
  const models = [first, ...others].filter((model) => model !== reference).slice(0, MODELS);
  return models.length === 0 ? null : { reference, models, isBased: reference.name === recipe.base_model };
}

const all = ({ reference, models }: Party) => [reference, ...models];
const mostOf = (party: Party) => (all(party).some(({ hub }) => hub !== undefined) ? MOST_FAR : MOST);

const keyOf = (party: Party) =>
  [`heat ${VERSION} ${mostOf(party)}`, ...all(party).map(({ identity }) => identity)].join(" ");

/** Bytes of a sample that come over the network. */
export function downloadOf(party: Party): number {
  const most = mostOf(party);
  const bytes = ({ shape, bytes }: TensorRow) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return count === 0 ? 0 : (bytes / count) * Math.min(count, most);
  };
  return all(party)
    .filter(({ hub }) => hub !== undefined)
    .reduce((sum, { tensors }) => tensors.reduce((some, tensor) => some + bytes(tensor), sum), 0);
}

async function look(party: Party, key: string, isWanted: boolean): Promise<void> {
  const isMine = () => useHeat.getState().key === key;
  const kept = await get<Packed>(key).catch(() => undefined);
  if (!isMine()) return;
  if (kept !== undefined) {
    useHeat.setState({ rows: new Map(unpacked(kept).map((row) => [row.name, row])), state: "done" });
    return;
  }
  const { reference, models } = party;
  if (useHeat.getState().download > UNASKED && !isWanted) return useHeat.setState({ state: "asking" });
  try {
    let waiting: SurveyRow[] = [];
    let put = performance.now();
    const show = () => {
      const found = waiting.map((row) => [row.name, row] as const);
      waiting = [];
      put = performance.now();
      useHeat.setState(({ rows }) => ({ rows: new Map([...rows, ...found]) }));
    };
    const ask = {
      job: JOB,
      reference: reference.id,
      models: models.map(({ id }) => id),
      most: mostOf(party),
      isPatient: true,
    };
    await host().survey(ask, (found) => {
      waiting.push(...found);
      if (isMine() && !isHeld && performance.now() - put > SHOWN) show();
    });
    while (isHeld) await new Promise((resolve) => setTimeout(resolve, 100));
    if (!isMine()) return;
    show();
    useHeat.setState({ state: "done" });
    await set(key, packed([...useHeat.getState().rows.values()])).catch(() => {});
  } catch (error) {
    // A strip is no reason to bother anybody: what weights cannot be read, a merge or the inspector says.
    if (isMine()) useHeat.setState({ state: isAbort(error) ? "stopped" : "failed" });
  }
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** Looks again once recipe and models stand still; does nothing while they are the ones that were looked at. */
function soon(isWanted = false): void {
  const open = useModels.getState().list.map(({ summary }) => summary);
  const party = partyOf(useStudio.getState().recipe, open);
  const key = party === null ? null : keyOf(party);
  const before = useHeat.getState();
  if (key === before.key) {
    // The same files under other names.
    if (party !== null && namesOf(party) !== namesOf(before.party)) useHeat.setState({ party });
    return;
  }
  clearTimeout(timer);
  // Nothing runs before the first look; then there is no worker to talk to either.
  if (before.state === "looking") void host().stop(JOB);
  if (party === null || key === null) {
    useHeat.setState(EMPTY);
    return;
  }
  const { length: total } = party.reference.tensors;
  useHeat.setState({ party, key, rows: new Map(), total, state: "looking", download: downloadOf(party) });
  timer = setTimeout(() => void look(party, key, isWanted), AFTER);
}

const namesOf = (party: Party | null) =>
  party === null
    ? ""
    : all(party)
        .map(({ name }) => name)
        .join("\n");

/** Starts what was stopped, or waited to be asked for. */
export function lookAgain(): void {
  useHeat.setState({ key: null });
  soon(true);
}

export const stopLooking = (): void => void host().stop(JOB);

/** Whether it waits for a merge to end. */
export const useWaitsForMerge = () => useRun(isRunning);

let isKept = false;
/** A pointer is pressed: what it draws comes before what has come in. */
let isHeld = false;

/** Keeps the figures in step with recipe and models from the first call on. */
export function keepHeat(): void {
  if (isKept) return;
  isKept = true;
  const hold = (event: PointerEvent) => {
    isHeld = event.type === "pointerdown";
  };
  for (const type of ["pointerdown", "pointerup", "pointercancel"] as const) addEventListener(type, hold, true);
  useStudio.subscribe((now, before) => now.recipe !== before.recipe && soon());
  useModels.subscribe((now, before) => now.list !== before.list && soon());
  soon();
}
