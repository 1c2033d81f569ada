/**
 * Looks at weights for the page: through an engine of its own, so that no merge waits for it, and a few elements of
 * large tensors where that is enough. A job can be stopped by its name.
 */
import type { Engine } from "../core/engine/engine.ts";
import { throwIfAborted, WeightloomError } from "../core/errors.ts";
import { countOf, type TensorInfo } from "../core/formats/checkpoint.ts";
import type { Model } from "../core/model/model.ts";
import { figuresOfTensor } from "../core/run/figures.ts";
import { apart, inputOf, movesOf } from "../core/run/moves.ts";
import { matrixOf, stableRank } from "../core/run/rank.ts";
import { takeSample } from "../core/run/sample.ts";
import type { OpenedModel } from "./host.ts";
import type { FiguresAsk, Inspection, RankRow, RanksAsk, SurveyAsk, SurveyRow, TensorFigures } from "./inspection.ts";
import { documentOf, papersOf } from "./papers.ts";

export interface InspectorNeeds {
  opened(id: string): OpenedModel | undefined;
  /** Starts an engine that no merge uses. */
  engine(): Promise<Engine>;
  isMerging(): boolean;
}

/** Elements of a tensor looked at unless all are asked for. */
const LOOK = 2 ** 20;
/** Tensors of a survey on their way at once: one is read while another is computed. */
const ABREAST = 3;
/** Milliseconds between two handings over of rows, and between two looks whether a merge is over. */
const EVERY = 100;
/** Rows handed over at once, so that unpacking them takes no frame's time. */
const BATCH = 40;

export function createInspector(needs: InspectorNeeds): Inspection {
  const jobs = new Map<string, AbortController>();
  let measuring: Promise<Engine> | null = null;

  function engine(): Promise<Engine> {
    measuring ??= needs.engine();
    measuring.catch(() => {
      measuring = null;
    });
    return measuring;
  }

  function modelOf(id: string): Model {
    const found = needs.opened(id);
    if (found !== undefined) return found.model;
    throw new WeightloomError("PlanError", "The model that was to be looked at is not open any more. Open it again.");
  }

  /** Runs a job that `stop` can end; another of the same name ends first. */
  async function job<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    jobs.get(name)?.abort();
    const mine = new AbortController();
    jobs.set(name, mine);
    try {
      return await work(mine.signal);
    } catch (error) {
      // An engine that failed is not asked again.
      if (error instanceof Error && error.name === "DeviceError") measuring = null;
      throw error;
    } finally {
      if (jobs.get(name) === mine) jobs.delete(name);
    }
  }

  return {
    papers: async (id) => papersOf(needs.opened(id)?.files, modelOf(id)),
    document: async (id, name) => documentOf(needs.opened(id)?.files, name),
    figures: (ask, onProgress) =>
      job(ask.job, async (signal) => {
        const model = modelOf(ask.model);
        const other = ask.against === null ? null : modelOf(ask.against);
        return figures(ask, model, other, await engine(), signal, onProgress);
      }),
    survey: (ask, onRows) =>
      job(ask.job, async (signal) => {
        const models = ask.models.map(modelOf);
        return survey(ask, modelOf(ask.reference), models, await engine(), signal, needs.isMerging, onRows);
      }),
    ranks: (ask, onRow) =>
      job(ask.job, async (signal) => {
        const other = ask.against === null ? null : modelOf(ask.against);
        return ranks(ask, modelOf(ask.model), other, signal, needs.isMerging, onRow);
      }),
    stop: async (name) => jobs.get(name)?.abort(),
  };
}

async function figures(
  { tensor, exact }: FiguresAsk,
  model: Model,
  other: Model | null,
  engine: Engine,
  signal: AbortSignal,
  report: (share: number) => void,
): Promise<TensorFigures> {
  const info = tensorOf(model, tensor);
  const own = inputOf(model.ref, info);
  if (own === null)
    throw new WeightloomError(
      "PlanError",
      `${tensor}: its type is ${info.dtype}, and figures are of floats. Integers are only ever copied.`,
    );
  const found = other?.checkpoint.tensors.get(tensor);
  const why = other === null ? null : apart(info, found);
  const beside = other === null || found === undefined || why !== null ? null : inputOf(other.ref, found);
  const elements = countOf(info.shape);
  const all = beside === null ? [own] : [own, beside];
  const { inputs, count } =
    exact && elements > LOOK ? { inputs: all, count: elements } : await takeSample(all, elements, LOOK, signal);
  const [first = own, second] = inputs;
  const parts = second === undefined ? 1 : 3;
  let last = 0;
  const options = (part: number) => ({
    signal,
    onProgress: (share: number) => {
      if (performance.now() - last < EVERY) return;
      last = performance.now();
      report((part + share) / parts);
    },
  });
  const alone = await figuresOfTensor([first], count, engine, options(0));
  if (second === undefined) return { elements, own: alone, difference: null, apart: why };
  const moves = await movesOf([second, first], engine, { ...options(1), count });
  const difference = await figuresOfTensor([first, second], count, engine, options(2));
  return { elements, own: alone, difference: { figures: difference, moves: { ...moves, elements } }, apart: null };
}

function tensorOf(model: Model, name: string): TensorInfo {
  const info = model.checkpoint.tensors.get(name);
  if (info !== undefined) return info;
  throw new WeightloomError("PlanError", `${model.ref} has no tensor "${name}". Choose one of its own.`);
}

async function survey(
  { most, isPatient }: SurveyAsk,
  reference: Model,
  models: readonly Model[],
  engine: Engine,
  signal: AbortSignal,
  isMerging: () => boolean,
  onRows: (rows: readonly SurveyRow[]) => void,
): Promise<void> {
  const infos = [...reference.checkpoint.tensors.values()];
  let rows: SurveyRow[] = [];
  let handed = performance.now();
  const hand = () => {
    if (rows.length > 0) onRows(rows);
    rows = [];
    handed = performance.now();
  };
  let next = 0;
  const walk = async (): Promise<void> => {
    for (let info = infos[next++]; info !== undefined; info = infos[next++]) {
      while (isPatient && isMerging() && !signal.aborted) await pause(signal);
      throwIfAborted(signal);
      const row = await rowOf(info, models, engine, most, signal);
      rows.push(row);
      if (rows.length >= BATCH || performance.now() - handed > EVERY) hand();
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, walk));
  hand();
}

async function rowOf(
  info: TensorInfo,
  models: readonly Model[],
  engine: Engine,
  most: number,
  signal: AbortSignal,
): Promise<SurveyRow> {
  const { name } = info;
  const first = inputOf("", info);
  if (first === null) return { name, moves: null, apart: info.dtype };
  const inputs = [first];
  for (const { ref, checkpoint } of models) {
    const other = checkpoint.tensors.get(name);
    const why = apart(info, other);
    const input = why === null && other !== undefined ? inputOf(ref, other) : null;
    if (input === null) return { name, moves: null, apart: `${ref}: ${why}` };
    inputs.push(input);
  }
  return { name, moves: await movesOf(inputs, engine, { most, signal }), apart: null };
}

async function ranks(
  { tensor }: RanksAsk,
  model: Model,
  other: Model | null,
  signal: AbortSignal,
  isMerging: () => boolean,
  onRow: (row: RankRow) => void,
): Promise<void> {
  for (const info of model.checkpoint.tensors.values()) {
    const size = matrixOf(info.shape);
    if (size === null || (tensor !== null && tensor !== info.name)) continue;
    while (isMerging() && !signal.aborted) await pause(signal);
    throwIfAborted(signal);
    const beside = other?.checkpoint.tensors.get(info.name);
    const inputs = [inputOf(model.ref, info), ...(other === null ? [] : [comparable(info, beside, other.ref)])];
    const known = inputs.filter((input) => input !== null);
    const rank = known.length < inputs.length ? null : await stableRank({ inputs: known, ...size }, signal);
    onRow({ name: info.name, rank, most: Math.min(size.rows, size.columns) });
  }
}

const comparable = (info: TensorInfo, other: TensorInfo | undefined, ref: string) =>
  other === undefined || apart(info, other) !== null ? null : inputOf(ref, other);

const pause = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, EVERY);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
