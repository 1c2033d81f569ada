/**
 * What the doctor says of the document as it stands: headers a moment after anything changes, and, once things stand still, a
 * few weights of the models, which are looked at once per set of models.
 */
import { create } from "zustand";
import type { Diagnosis, Remedy } from "../../core/doctor/finding.ts";
import type { Kinship } from "../../core/doctor/kin.ts";
import { removeModel, setOutputType } from "./edits.ts";
import { host } from "./host.ts";
import { useModels } from "./models.ts";
import { isRunning, useRun } from "./run.ts";
import { documentOf, useStudio, wantedBy } from "./studio.ts";
import { useView } from "./view.ts";
import { setTokenizerSource } from "./vocabulary.ts";

interface Doctor {
  readonly diagnosis: Diagnosis | null;
  /** Milliseconds the diagnosis took, the way to the worker and back included. */
  readonly took: number | null;
  readonly kinship: Kinship | null;
  readonly looking: boolean;
}

export const useDoctor = create<Doctor>(() => ({ diagnosis: null, took: null, kinship: null, looking: false }));

/** Milliseconds that things stand still before they are looked at. */
const HEADERS_AFTER = 100;
const WEIGHTS_AFTER = 700;

let headersTimer: ReturnType<typeof setTimeout> | undefined;
let weightsTimer: ReturnType<typeof setTimeout> | undefined;
let turn = 0;
/** Who was compared last. */
let compared = "";

async function diagnose(): Promise<void> {
  const mine = ++turn;
  if (useModels.getState().list.length === 0) {
    useDoctor.setState({ diagnosis: null, took: null, kinship: null });
    return;
  }
  const before = performance.now();
  try {
    const diagnosis = await host().diagnose(documentOf(useStudio.getState()));
    if (mine === turn) useDoctor.setState({ diagnosis, took: performance.now() - before });
  } catch {
    // What hinders the doctor hinders the plan, which says it.
    if (mine === turn) useDoctor.setState({ diagnosis: null, took: null });
  }
}

/** The models in the order in which they are compared, by their keys in the worker. */
function party(): string {
  const studio = useStudio.getState();
  const { list } = useModels.getState();
  const ids = wantedBy(studio).map((name) => list.find(({ summary }) => summary.name === name)?.summary.id ?? name);
  return JSON.stringify([studio.recipe.base_model === undefined, wantedBy(studio), ids]);
}

async function compare(): Promise<void> {
  const now = party();
  if (now === compared || isRunning(useRun.getState())) return;
  compared = now;
  useDoctor.setState({ looking: true, kinship: null });
  const kinship = await host()
    .kinship(documentOf(useStudio.getState()))
    .catch(() => null);
  if (compared === now) useDoctor.setState({ kinship, looking: false });
}

/** Looks again after every change of the document or the models; call once. */
export function keepDiagnosing(): void {
  const soon = () => {
    clearTimeout(headersTimer);
    clearTimeout(weightsTimer);
    headersTimer = setTimeout(() => void diagnose(), HEADERS_AFTER);
    weightsTimer = setTimeout(() => void compare(), WEIGHTS_AFTER);
  };
  useStudio.subscribe(
    (now, before) =>
      (now.recipe !== before.recipe || now.earlier !== before.earlier || now.moe !== before.moe) && soon(),
  );
  useModels.subscribe((now, before) => now.list !== before.list && soon());
  useRun.subscribe((now, before) => isRunning(before) && !isRunning(now) && soon());
}

/** One click that does what a finding advises. */
export function heal(remedy: Remedy): void {
  const { edit } = useStudio.getState();
  if (remedy.kind === "tokenizer") edit((recipe) => setTokenizerSource(recipe, remedy.source));
  else if (remedy.kind === "dtype") edit((recipe) => setOutputType(recipe, remedy.dtype));
  else if (remedy.kind === "leave") edit((recipe) => removeModel(recipe, remedy.model));
  else if (remedy.kind === "stack") useView.setState({ view: "stack" });
  else remedy satisfies never;
}

export const healing = (remedy: Remedy): string => {
  if (remedy.kind === "tokenizer") return "Line up by token";
  if (remedy.kind === "dtype") return `Write ${remedy.dtype}`;
  if (remedy.kind === "leave") return `Take ${remedy.model} out`;
  return "Open the Stack board";
};
