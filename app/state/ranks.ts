/** Stable ranks as they come in: of a model's matrices, or of what it changed of another. One search at a time, the last asked for. */
import { create } from "zustand";
import { isAbort, messageOf } from "../../core/errors.ts";
import type { RankRow } from "../../workers/api.ts";
import { host } from "./host.ts";
import { summaryOf } from "./models.ts";

export interface Ranks {
  /** Whose they are; null before the first. */
  readonly key: string | null;
  readonly rows: ReadonlyMap<string, RankRow>;
  readonly done: number;
  readonly total: number;
  readonly state: "none" | "running" | "done" | "stopped" | "failed";
  readonly error: string | null;
}

export const useRanks = create<Ranks>(() => ({
  key: null,
  rows: new Map(),
  done: 0,
  total: 0,
  state: "none",
  error: null,
}));

/** Vectors and numbers have no rank to speak of. */
export const isMatrix = (shape: readonly number[]): boolean => shape.filter((size) => size > 1).length > 1;

const JOB = "inspect ranks";

export const rankKey = (model: string, against: string | null): string => `${model} ${against ?? ""}`;

/** @param model, against: names; @param tensor null for all matrices */
export async function findRanks(model: string, against: string | null, tensor: string | null): Promise<void> {
  const [own, other] = [summaryOf(model), against === null ? null : summaryOf(against)];
  if (own === undefined || other === undefined) return;
  const key = rankKey(own.id, other?.id ?? null);
  const before = useRanks.getState();
  if (before.key === key && (before.state === "running" || (tensor === null && before.state === "done"))) return;
  const rows = new Map(before.key === key ? before.rows : []);
  const total = tensor === null ? own.tensors.filter(({ shape }) => isMatrix(shape)).length : 1;
  useRanks.setState({ key, rows, done: 0, total, state: "running", error: null });
  const isMine = () => useRanks.getState().key === key;
  let done = 0;
  try {
    await host().ranks({ job: JOB, model: own.id, against: other?.id ?? null, tensor }, (row) => {
      if (!isMine()) return;
      rows.set(row.name, row);
      useRanks.setState({ rows: new Map(rows), done: ++done });
    });
    if (isMine()) useRanks.setState({ state: tensor === null ? "done" : "none" });
  } catch (error) {
    if (isMine())
      useRanks.setState(isAbort(error) ? { state: "stopped" } : { state: "failed", error: messageOf(error) });
  }
}

export const stopRanks = (): void => void host().stop(JOB);
