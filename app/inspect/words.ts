/** Figures in a sentence, for those who have not seen many. What is usual was measured on public fine-tunes. Pure. */
import { percent } from "./metrics.ts";

export function changeText(model: string, against: string, change: number | null): string {
  if (change === null) return `${against} is zero here, so there is no share to give.`;
  if (change === 0) return `${model} has the same weights as ${against} here.`;
  const usual =
    change < 0.001
      ? "hardly anything"
      : change <= 0.03
        ? "as fine-tunes usually do"
        : change < 0.2
          ? "more than most fine-tunes do"
          : "so far that the two hardly share an ancestor";
  return `${model} moved ${percent(change)} from ${against}: ${usual}.`;
}

export function agreementText(cosine: number | null): string {
  if (cosine === null) return "";
  if (cosine > 0.99) return "Both point the same way.";
  return cosine > 0.9 ? "They point nearly the same way." : "They point different ways.";
}
