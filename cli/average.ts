/** The options of `average`: which weights checkpoints get. */
import type { Average } from "../methods/averages.ts";

const OWNERS = { last: "last", alpha: "ema", decay: "wsm" } as const;

/** The average that options ask for, or a sentence about what is wrong with them. */
export function averageOf(values: Readonly<Record<string, unknown>>): Average | string {
  const { how = "uniform", last = "5", alpha = "0.2", decay = "linear" } = values;
  for (const [option, owner] of Object.entries(OWNERS)) {
    // It would change nothing.
    if (values[option] !== undefined && how !== owner) {
      return `--${option} belongs to --how ${owner}; --how is "${String(how)}".`;
    }
  }
  switch (how) {
    case "uniform":
    case "wma":
      return { how };
    case "last": {
      const count = Number(last);
      if (Number.isSafeInteger(count) && count >= 1) return { how, count };
      return `--last is "${String(last)}"; it must be a whole number from 1.`;
    }
    case "ema": {
      const share = Number(alpha);
      if (share > 0 && share <= 1) return { how, alpha: share };
      return `--alpha is "${String(alpha)}"; it must be a number above 0 and at most 1.`;
    }
    case "wsm":
      if (decay === "linear" || decay === "cosine" || decay === "sqrt") return { how, decay };
      return `--decay is "${String(decay)}"; it can be linear, cosine or sqrt.`;
    default:
      return `--how is "${String(how)}"; it can be uniform, last, ema, wma or wsm.`;
  }
}
