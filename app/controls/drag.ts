/**
 * Dragging with a pointer, mouse, pen or finger: begins after a few pixels, ends with a drop, and Escape takes it
 * back. A press that does not become a drag stays a click.
 */
import type { PointerEvent as Press } from "react";

export interface Dragging {
  begin?(): void;
  /** Client coordinates, and the way from the press. */
  move(x: number, y: number, dx: number, dy: number): void;
  drop(x: number, y: number): void;
  /** After a drop and after Escape. */
  end?(): void;
}

const THRESHOLD = 4;
/** Pixels from the edge of a list within which it scrolls. */
const EDGE = 36;

export function drag(press: Press, { begin, move, drop, end }: Dragging): void {
  if (press.button !== 0) return;
  const { clientX: x0, clientY: y0, pointerId } = press;
  let began = false;
  const moved = (event: PointerEvent) => {
    if (event.pointerId !== pointerId) return;
    const { clientX: x, clientY: y } = event;
    if (!began && Math.hypot(x - x0, y - y0) < THRESHOLD) return;
    if (!began) {
      began = true;
      document.documentElement.classList.add("dragging");
      begin?.();
    }
    scrollAt(x, y);
    move(x, y, x - x0, y - y0);
  };
  const stop = (dropped: PointerEvent | null) => {
    removeEventListener("pointermove", moved);
    removeEventListener("pointerup", up);
    removeEventListener("pointercancel", away);
    removeEventListener("keydown", giveUp, true);
    document.documentElement.classList.remove("dragging");
    if (!began) return;
    // The click that follows a drag is none.
    const swallow = (event: MouseEvent) => event.stopPropagation();
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, true));
    if (dropped !== null) drop(dropped.clientX, dropped.clientY);
    end?.();
  };
  const up = (event: PointerEvent) => event.pointerId === pointerId && stop(event);
  const away = (event: PointerEvent) => event.pointerId === pointerId && stop(null);
  const giveUp = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !began) return;
    event.preventDefault();
    event.stopPropagation();
    stop(null);
  };
  addEventListener("pointermove", moved);
  addEventListener("pointerup", up);
  addEventListener("pointercancel", away);
  addEventListener("keydown", giveUp, true);
}

function scrollAt(x: number, y: number): void {
  const list = document.elementFromPoint(x, y)?.closest("[data-scrolls]");
  if (list == null) return;
  const { top, bottom } = list.getBoundingClientRect();
  if (y < top + EDGE) list.scrollBy(0, -12);
  else if (y > bottom - EDGE) list.scrollBy(0, 12);
}

/** Where between the marked children of a list a drop at this height goes: 0 is before the first. */
export function placeAt(list: Element, mark: string, y: number): number {
  return [...list.querySelectorAll(mark)].filter((item) => {
    const { top, bottom } = item.getBoundingClientRect();
    return (top + bottom) / 2 < y;
  }).length;
}
