/** How long a merge will take: as the last large one of its kind did, or else by the engine's measured speed. Pure. */
import type { EngineInfo, PlanSummary } from "../../workers/api.ts";
import type { RunRecord } from "../state/runs.ts";

export interface Estimate {
  readonly seconds: number;
  /** What it rests on, a sentence. */
  readonly from: string;
}

/** Merges of fewer bytes tell more of starting up than of speed. */
const TELLING = 50e6;
/** An engine is measured with two inputs for each output; its speed is given in output. */
const MEASURED_TRAFFIC = 3;

type Needs = Pick<PlanSummary, "readBytes" | "writeBytes">;

export function timeOf(
  { readBytes, writeBytes }: Needs,
  method: string,
  engine: EngineInfo | null,
  runs: readonly RunRecord[],
): Estimate | null {
  if (engine === null || engine.name === "none") return null;
  for (const { kept, outcome } of runs) {
    if (outcome.kind !== "done" || outcome.engine !== engine.name) continue;
    const { seconds, here = outcome.bytes } = outcome;
    if (here < TELLING) continue;
    if (kept.moe !== null || kept.recipe.merge_method !== method) continue;
    return {
      seconds: (seconds * writeBytes) / here,
      from: `As fast as "${kept.title}" was merged here.`,
    };
  }
  if (engine.speed === null) return null;
  return {
    seconds: (readBytes + writeBytes) / (MEASURED_TRAFFIC * engine.speed),
    from: "At the speed the engine was just measured with. Slow disks and methods that read twice take longer; the first large merge here makes it exact.",
  };
}
