/** Figures of the tensor that is looked at: asked for when it has stood for a moment, every element when wanted. */
import { useEffect, useState } from "react";
import { isAbort, messageOf } from "../../core/errors.ts";
import type { TensorFigures } from "../../workers/api.ts";
import { host } from "./host.ts";

interface Looking {
  readonly figures: TensorFigures | null;
  /** 0 to 1 while it is being looked at; null when not. */
  readonly share: number | null;
  readonly error: string | null;
}

/** Milliseconds that a choice stands before weights are read: arrows pass over many rows. */
const AFTER = 120;
const JOB = "inspect tensor";

/** @param model, against: ids; @param tensor null: nothing is looked at */
export function useFigures(model: string, against: string | null, tensor: string | null, exact: boolean): Looking {
  const key = `${model} ${against} ${tensor}`;
  const [state, setState] = useState<Looking & { readonly key: string }>({
    key,
    figures: null,
    share: null,
    error: null,
  });
  useEffect(() => {
    if (tensor === null) return;
    let isMine = true;
    const put = (change: Partial<Looking>) =>
      isMine &&
      setState((now) => ({ ...(now.key === key ? now : { figures: null, share: null, error: null }), key, ...change }));
    const timer = setTimeout(async () => {
      put({ share: 0, error: null });
      try {
        const ask = { job: JOB, model, against, tensor, exact };
        put({ figures: await host().figures(ask, (share) => put({ share })), share: null });
      } catch (error) {
        put({ share: null, error: isAbort(error) ? null : messageOf(error) });
      }
    }, AFTER);
    return () => {
      isMine = false;
      clearTimeout(timer);
      void host().stop(JOB);
    };
  }, [key, model, against, tensor, exact]);
  return state.key === key ? state : { figures: null, share: null, error: null };
}

export const stopFigures = (): void => void host().stop(JOB);
