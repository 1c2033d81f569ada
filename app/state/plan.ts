/** The plan of the recipe as it stands, made anew a moment after anything changes; and the choices it is made with. */
import { create } from "zustand";
import { messageOf } from "../../core/errors.ts";
import type { EngineInfo, OutputOptions, PlanRefusal, PlanSummary } from "../../workers/api.ts";
import { host } from "./host.ts";
import { useModels } from "./models.ts";
import { useStudio } from "./studio.ts";

interface Planning {
  readonly options: Omit<OutputOptions, "title">;
  readonly plan: PlanSummary | null;
  readonly refusal: PlanRefusal | null;
  readonly engine: EngineInfo | null;
  setOptions(options: Partial<Omit<OutputOptions, "title">>): void;
}

export const usePlan = create<Planning>((set) => ({
  options: { shardBytes: 5e9, memory: 512e6, seed: 42, engine: "auto" },
  plan: null,
  refusal: null,
  engine: null,
  setOptions: (options) => set((state) => ({ options: { ...state.options, ...options } })),
}));

export const outputOptions = (): OutputOptions => ({
  ...usePlan.getState().options,
  title: useStudio.getState().title,
});

let timer: ReturnType<typeof setTimeout> | undefined;
let turn = 0;

async function replan(): Promise<void> {
  const mine = ++turn;
  const { recipe } = useStudio.getState();
  if (useModels.getState().list.length === 0) {
    usePlan.setState({ plan: null, refusal: null });
    return;
  }
  try {
    const answer = await host().plan(recipe, outputOptions());
    if (mine !== turn) return;
    usePlan.setState("rows" in answer ? { plan: answer, refusal: null } : { plan: null, refusal: answer });
  } catch (error) {
    if (mine === turn)
      usePlan.setState({ plan: null, refusal: { errors: [messageOf(error)], missing: [], diagnostics: [] } });
  }
}

/** Plans 150 ms after the last change to the recipe, the models or the options. */
export function keepPlanning(): void {
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void replan(), 150);
  };
  useStudio.subscribe((now, before) => now.recipe !== before.recipe && soon());
  useModels.subscribe((now, before) => now.list !== before.list && soon());
  usePlan.subscribe((now, before) => {
    if (now.options !== before.options) soon();
    if (now.options.engine !== before.options.engine) void learnEngine();
  });
  soon();
}

/** Makes and measures the engine that a merge would use, for the badge. */
export async function learnEngine(): Promise<void> {
  usePlan.setState({ engine: null });
  try {
    usePlan.setState({ engine: await host().engine(usePlan.getState().options.engine) });
  } catch (error) {
    usePlan.setState({ engine: { kind: "cpu", name: "none", speed: null, because: messageOf(error) } });
  }
}
