/** Models, methods and presets as actions. */
import { METHODS } from "../../methods/index.ts";
import { add } from "../models/panel.tsx";
import { loadSamples } from "../models/samples.ts";
import { pickModelFiles, pickModelFolder } from "../platform/pickers.ts";
import { addModel, castOf, isWhole, methodOf, removeModel, setBase, setMethod } from "../state/edits.ts";
import { say } from "../state/messages.ts";
import { useModels } from "../state/models.ts";
import { offersFor } from "../state/presets.ts";
import { reopen, useWaiting } from "../state/session.ts";
import { useShown } from "../state/shown.ts";
import { useStudio } from "../state/studio.ts";
import type { Action } from "./action.ts";

const MIXTURE = "A mixture of experts has no method; its recipe says all.";

export function modelActions(): Action[] {
  const { recipe, moe, edit } = useStudio.getState();
  const names = useModels.getState().list.map(({ summary }) => summary.name);
  const cast = castOf(recipe);
  const fixed = moe !== null || !isWhole(recipe);
  const waiting = useWaiting.getState().list.length;
  const mayBeBase = methodOf(recipe)?.base !== "none";
  return [
    { id: "add-folder", title: "Add a model folder", words: ["open", "load"], run: () => void add(pickModelFolder()) },
    { id: "add-files", title: "Add model files", words: ["open", "load"], run: () => void add(pickModelFiles()) },
    {
      id: "hub",
      title: "Add models from the Hub",
      words: ["hugging", "face", "search", "download", "open", "sign in", "token"],
      run: () => useShown.getState().show({ kind: "hub" }),
    },
    { id: "samples", title: "Add the sample family", words: ["example", "try"], run: () => void loadSamples() },
    ...(waiting > 0
      ? [{ id: "reopen", title: "Reopen the models of the last visit", run: () => void reopen() } as const]
      : []),
    ...(fixed ? [] : names).flatMap((name) => [
      ...(mayBeBase && name !== recipe.base_model
        ? [{ id: `base-${name}`, title: `Make ${name} the base`, run: () => edit((r) => setBase(r, name)) }]
        : []),
      cast.includes(name)
        ? { id: `out-${name}`, title: `Take ${name} out of the mix`, run: () => edit((r) => removeModel(r, name)) }
        : { id: `in-${name}`, title: `Put ${name} into the mix`, run: () => edit((r) => addModel(r, name)) },
    ]),
  ].map((action) => ({ ...action, section: "Models" }));
}

export function methodActions(): Action[] {
  const { recipe, moe, edit } = useStudio.getState();
  const names = useModels.getState().list.map(({ summary }) => summary.name);
  return [...METHODS.values()].map((method) => ({
    id: `method-${method.id}`,
    title: `Method: ${method.title}`,
    section: "Method",
    about: method.summary,
    words: [method.id, method.reference],
    why: moe !== null ? MIXTURE : recipe.merge_method === method.id ? "It is the method now." : null,
    run: () => edit((r) => setMethod(r, method.id, names)),
  }));
}

export function presetActions(): Action[] {
  const { recipe, adopt } = useStudio.getState();
  const open = useModels.getState().list.map(({ summary }) => ({
    ref: summary.name,
    layers: summary.stacks[0]?.layers ?? null,
  }));
  return offersFor(recipe, open).map((offer) => ({
    id: `preset-${offer.preset.id}`,
    title: `Start from ${offer.preset.title}`,
    section: "Start from",
    about: offer.preset.summary,
    words: ["preset"],
    why: offer.recipe === null ? offer.why : null,
    run: () => {
      if (offer.recipe === null) return;
      adopt({ kind: "merge", stages: [offer.recipe] }, null);
      say("info", offer.said);
    },
  }));
}
