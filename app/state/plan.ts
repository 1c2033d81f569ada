/**
 * The plan of the document as it stands, made anew a moment after anything changes, and the choices it is made with.
 * Once a plan has stood for a second, a sample of the weights is looked at for what headers cannot tell.
 */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { EngineInfo, PlanNote, PlanRefusal, PlanSummary } from "../../workers/api.ts";
import { host } from "./host.ts";
import { useModels } from "./models.ts";
import { outputOptions, useOptions } from "./options.ts";
import { isRunning, useRun } from "./run.ts";
import { documentOf, useStudio } from "./studio.ts";

interface Planning {
  readonly plan: PlanSummary | null;
  readonly refusal: PlanRefusal | null;
  readonly engine: EngineInfo | null;
  /** What a sample of the weights told, of this plan or, until that is known, of the one before. */
  readonly sampled: readonly PlanNote[];
  readonly looking: "no" | "soon" | "now" | "done";
}

export const usePlan = create<Planning>(() => ({
  plan: null,
  refusal: null,
  engine: null,
  sampled: [],
  looking: "no",
}));

/** Milliseconds that things stand still before they are planned, and before weights are looked at. */
const PLAN_AFTER = 150;
const LOOK_AFTER = 1000;

let planTimer: ReturnType<typeof setTimeout> | undefined;
let lookTimer: ReturnType<typeof setTimeout> | undefined;
let turn = 0;

async function replan(): Promise<void> {
  const mine = ++turn;
  if (useModels.getState().list.length === 0) {
    usePlan.setState({ plan: null, refusal: null, sampled: [], looking: "no" });
    return;
  }
  try {
    const answer = await host().plan(documentOf(useStudio.getState()), outputOptions());
    if (mine !== turn) return;
    if ("merged" in answer) {
      // There is nothing to learn of a mixture of experts: its weights are copies.
      const looks = useStudio.getState().moe === null;
      usePlan.setState({
        plan: answer,
        refusal: null,
        ...(looks ? { looking: "soon" } : { looking: "no", sampled: [] }),
      });
      if (looks) lookTimer = setTimeout(() => void look(mine), LOOK_AFTER);
    } else usePlan.setState({ plan: null, refusal: answer, sampled: [], looking: "no" });
  } catch (error) {
    if (mine !== turn) return;
    const refusal = { errors: [messageOf(error)], missing: [], diagnostics: [] };
    usePlan.setState({ plan: null, refusal, sampled: [], looking: "no" });
  }
}

async function look(mine: number): Promise<void> {
  if (mine !== turn || isRunning(useRun.getState())) return;
  usePlan.setState({ looking: "now" });
  try {
    const sampled = await host().preflight(documentOf(useStudio.getState()), outputOptions());
    if (mine === turn) usePlan.setState({ sampled, looking: "done" });
  } catch {
    // Advice is no reason to bother anybody: a merge that cannot be done says so itself.
    if (mine === turn) usePlan.setState({ sampled: [], looking: "no" });
  }
}

/** Plans a moment after the last change to the document, the models or the options. */
export function keepPlanning(): void {
  const soon = () => {
    clearTimeout(planTimer);
    clearTimeout(lookTimer);
    planTimer = setTimeout(() => void replan(), PLAN_AFTER);
  };
  useStudio.subscribe(
    (now, before) =>
      (now.recipe !== before.recipe || now.earlier !== before.earlier || now.moe !== before.moe) && soon(),
  );
  useModels.subscribe((now, before) => now.list !== before.list && soon());
  useOptions.subscribe((now, before) => {
    if (now.options !== before.options) soon();
    if (now.options.engine !== before.options.engine) void learnEngine();
  });
  soon();
}

/** Makes and measures the engine that a merge would use, for the badge. */
export async function learnEngine(): Promise<void> {
  usePlan.setState({ engine: null });
  try {
    usePlan.setState({ engine: await host().engine(useOptions.getState().options.engine) });
  } catch (error) {
    usePlan.setState({ engine: { kind: "cpu", name: "none", speed: null, because: messageOf(error) } });
  }
}
