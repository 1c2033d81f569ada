/** A merge gives way: while a pointer or a key is pressed, and a moment longer, it leaves a core to the page. */
import { host } from "../state/host.ts";
import { isRunning, useRun } from "../state/run.ts";

/** Milliseconds after the last sign of a hand: strokes come one after the other. */
const LONGER = 1000;

/** From now on, for every merge. */
export function keepGivingWay(): void {
  let isEased = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ease = (next: boolean) => {
    // A worker that dies meanwhile has nothing to give way with.
    if (isEased !== next)
      host()
        .ease(next)
        .catch(() => {});
    isEased = next;
  };
  const atWork = () => {
    if (!isRunning(useRun.getState())) return;
    clearTimeout(timer);
    timer = setTimeout(() => ease(false), LONGER);
    ease(true);
  };
  const onMove = ({ buttons }: PointerEvent) => buttons !== 0 && atWork();
  for (const sign of ["pointerdown", "keydown", "wheel"] as const)
    document.addEventListener(sign, atWork, { capture: true, passive: true });
  document.addEventListener("pointermove", onMove, { capture: true, passive: true });
  useRun.subscribe((now, before) => {
    if (!isRunning(now) && isRunning(before)) isEased = false;
  });
}
