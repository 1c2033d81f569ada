/**
 * The page's side of the door: starts the worker, speaks to the host in it, and turns the worker's
 * death into an error that every waiting call rejects with, instead of a promise that never settles.
 */
import { proxy, releaseProxy, wrap } from "comlink";
import { WeightloomError } from "../core/errors.ts";
import type { PlanRefusal, PlanSummary, StudioHost } from "./api.ts";

export interface StudioClient extends StudioHost {
  /** Ends the worker at once; calls in flight reject. */
  terminate(): void;
}

/** @param onDeath called once when the worker dies by itself; start another one then. */
export function connect(onDeath: (error: Error) => void): StudioClient {
  const worker = new Worker(new URL("./studio.worker.ts", import.meta.url), { type: "module", name: "studio" });
  const host = wrap<StudioHost>(worker);
  let die: (error: Error) => void = () => {};
  const death = new Promise<never>((_, reject) => {
    die = reject;
  });
  death.catch(() => {});

  const end = (error: Error) => {
    die(error);
    host[releaseProxy]();
    worker.terminate();
  };
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    const reason = event.message === undefined || event.message === "" ? "it could not be loaded" : event.message;
    const error = new WeightloomError(
      "MergeError",
      `The engine's worker stopped (${reason}). Your recipe is safe; reload the page if it happens again.`,
    );
    end(error);
    onDeath(error);
  });

  const alive = <T>(answer: Promise<T>): Promise<T> => Promise.race([answer, death]);
  return {
    open: (model) => alive(host.open(model)),
    close: (id) => alive(host.close(id)),
    rename: (id, name) => alive(host.rename(id, name)),
    plan: (document, options) => alive<PlanSummary | PlanRefusal>(host.plan(document, options)),
    preflight: (document, options) => alive(host.preflight(document, options)),
    diagnose: (document) => alive(host.diagnose(document)),
    kinship: (document) => alive(host.kinship(document)),
    merge: (document, text, options, target, job, onProgress) =>
      alive(host.merge(document, text, options, target, job, proxy(onProgress))),
    pause: () => alive(host.pause()),
    resume: () => alive(host.resume()),
    ease: (isEased) => alive(host.ease(isEased)),
    left: () => alive(host.left()),
    discard: (job, target) => alive(host.discard(job, target)),
    cancel: () => alive(host.cancel()),
    engine: (want) => alive(host.engine(want)),
    results: () => alive(host.results()),
    papers: (model) => alive(host.papers(model)),
    document: (model, name) => alive(host.document(model, name)),
    figures: (ask, onProgress) => alive(host.figures(ask, proxy(onProgress))),
    survey: (ask, onRows) => alive(host.survey(ask, proxy(onRows))),
    ranks: (ask, onRow) => alive(host.ranks(ask, proxy(onRow))),
    stop: (job) => alive(host.stop(job)),
    hubListen: (onNews) => alive(host.hubListen(proxy(onNews))),
    hubToken: (token) => alive(host.hubToken(token)),
    hubWho: () => alive(host.hubWho()),
    hubSearch: (search) => alive(host.hubSearch(search)),
    hubInfo: (ref) => alive(host.hubInfo(ref)),
    hubOpen: (opening, onProgress) => alive(host.hubOpen(opening, proxy(onProgress))),
    hubPublish: (publishing, onProgress) => alive(host.hubPublish(publishing, proxy(onProgress))),
    hubKeep: (limit) => alive(host.hubKeep(limit)),
    hubKept: () => alive(host.hubKept()),
    hubForget: () => alive(host.hubForget()),
    hubStop: (job) => alive(host.hubStop(job)),
    terminate: () => end(new WeightloomError("MergeError", "The engine's worker was closed.")),
  };
}
