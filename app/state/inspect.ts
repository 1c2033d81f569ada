/**
 * What the inspector looks at, and the figures of all its tensors as they come in. A survey runs in the worker; at most
 * one of each kind, the last that was asked for.
 */
import { create } from "zustand";
import { isAbort, messageOf } from "../../core/errors.ts";
import type { SurveyRow } from "../../workers/api.ts";
import type { Metric } from "../inspect/metrics.ts";
import type { Order } from "../inspect/rows.ts";
import { host } from "./host.ts";
import { summaryOf } from "./models.ts";
import { useStudio } from "./studio.ts";
import { useView } from "./view.ts";

export interface Survey {
  /** Which models it is of; null before the first. */
  readonly key: string | null;
  /** By tensor. Grows in place; `done` changes with it. */
  readonly rows: ReadonlyMap<string, SurveyRow>;
  readonly done: number;
  readonly total: number;
  readonly state: "none" | "running" | "done" | "stopped" | "failed";
  readonly error: string | null;
}

interface Inspect {
  /** Names; null: the first that is open, and its base. */
  readonly model: string | null;
  /** "" stands for none. */
  readonly against: string | null;
  readonly tensor: string | null;
  readonly part: "tensors" | "map" | "papers";
  readonly query: string;
  readonly order: Order;
  readonly metric: Metric;
  /** The model beside the other, or alone; and both beside the base, where that is a third. */
  readonly pair: Survey;
  readonly tasks: Survey;
  set(change: Partial<Omit<Inspect, "set">>): void;
}

const NONE: Survey = { key: null, rows: new Map(), done: 0, total: 0, state: "none", error: null };

export const useInspect = create<Inspect>((set) => ({
  model: null,
  against: null,
  tensor: null,
  part: "tensors",
  query: "",
  order: { column: "name", isDown: false },
  metric: "change",
  pair: NONE,
  tasks: NONE,
  set,
}));

/** Elements of each tensor that a survey looks at. */
export const SURVEYED = 65_536;

/** Starts a survey of these models, named, unless it has been made or is being made. */
export async function survey(slot: "pair" | "tasks", reference: string, models: readonly string[]): Promise<void> {
  const [first, ...others] = [reference, ...models].map(summaryOf);
  const known = others.filter((model) => model !== undefined);
  if (first === undefined || known.length < models.length) return;
  const key = [first, ...known].map(({ id }) => id).join(" ");
  const before = useInspect.getState()[slot];
  if (before.key === key && before.state !== "failed" && before.state !== "stopped") return;
  const rows = new Map<string, SurveyRow>();
  const isMine = () => useInspect.getState()[slot].rows === rows;
  const put = (change: Partial<Survey>) =>
    useInspect.setState((state) => (state[slot].rows === rows ? { [slot]: { ...state[slot], ...change } } : {}));
  const { length: total } = first.tensors;
  useInspect.setState({ [slot]: { key, rows, done: 0, total, state: "running", error: null } });
  try {
    const ids = known.map(({ id }) => id);
    const ask = { job: `inspect ${slot}`, reference: first.id, models: ids, most: SURVEYED, isPatient: true };
    await host().survey(ask, (found) => {
      if (!isMine()) return;
      for (const row of found) rows.set(row.name, row);
      put({ done: rows.size });
    });
    put({ state: "done" });
  } catch (error) {
    put(isAbort(error) ? { state: "stopped" } : { state: "failed", error: messageOf(error) });
  }
}

export const stopSurvey = (slot: "pair" | "tasks"): void => void host().stop(`inspect ${slot}`);

/** Opens the inspector on a model, perhaps at one of its tensors. */
export function inspect(model: string, tensor: string | null = null): void {
  const { base_model: base } = useStudio.getState().recipe;
  useInspect.setState({ model, tensor, against: base === model ? "" : null, part: "tensors" });
  useView.getState().set({ view: "inspect" });
}
