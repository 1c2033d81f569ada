/** Four steps beside what they speak of. The page stays usable behind them; any of them can end the tour. */
import { X } from "lucide-react";
import { Popover } from "radix-ui";
import { useEffect, useRef } from "react";
import { Button } from "../controls/button.tsx";
import { useShown } from "../state/shown.ts";
import { endTour } from "./first.ts";

interface Stop {
  /** Selector of what it stands beside. */
  readonly at: string;
  readonly side: "right" | "left" | "bottom";
  readonly title: string;
  readonly text: string;
}

const STOPS: readonly Stop[] = [
  {
    at: ".models",
    side: "right",
    title: "Bring models",
    text: "Drop folders or files anywhere, or start with the sample family. They are read where they lie; nothing is uploaded. Below them the page says whether they can be merged.",
  },
  {
    at: ".tabs",
    side: "bottom",
    title: "Shape the mix",
    text: "Choose a method, then draw how much of each model goes into every layer. The other tabs show more of models, stacks and earlier merges.",
  },
  {
    at: ".plan",
    side: "left",
    title: "Read the plan, then merge",
    text: "Before a weight is read you see what will be merged, copied and written. Merge saves a folder that transformers loads, and checks it afterwards.",
  },
  {
    at: ".header",
    side: "bottom",
    title: "Nothing is lost",
    text: "Every change can be undone, versions can be named and compared, and the recipe is mergekit's YAML. Ctrl+K finds any action; a question mark shows the keys.",
  },
];

export default function Tour({ step }: { readonly step: number }) {
  const { setTour } = useShown.getState();
  const stop = STOPS[step];
  const anchor = useRef<Element>(document.body);
  const next = useRef<HTMLButtonElement>(null);
  const target = stop === undefined ? null : document.querySelector(stop.at);
  useEffect(() => {
    if (!(target instanceof HTMLElement)) return;
    target.dataset.toured = "";
    return () => void delete target.dataset.toured;
  }, [target]);
  if (stop === undefined) return null;
  anchor.current = target ?? document.body;
  const isLast = step === STOPS.length - 1;
  return (
    <Popover.Root open onOpenChange={(open) => !open && endTour()}>
      <Popover.Anchor virtualRef={anchor} />
      <Popover.Portal>
        <Popover.Content
          key={step}
          className="tour"
          side={stop.side}
          align="start"
          sideOffset={stop.at === ".header" ? 8 : 12}
          alignOffset={stop.side === "bottom" ? 20 : 64}
          collisionPadding={12}
          aria-labelledby="tour-title"
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            next.current?.focus();
          }}
          onCloseAutoFocus={(event) => event.preventDefault()}
          onInteractOutside={(event) => event.preventDefault()}
        >
          <div className="tour-head">
            <h2 id="tour-title">{stop.title}</h2>
            <Button look="icon" aria-label="End the tour" onClick={endTour}>
              <X size={15} aria-hidden />
            </Button>
          </div>
          <p>{stop.text}</p>
          <div className="tour-foot">
            <span className="quiet">
              {step + 1} of {STOPS.length}
            </span>
            {step > 0 && (
              <Button look="ghost" onClick={() => setTour(step - 1)}>
                Back
              </Button>
            )}
            <Button ref={next} onClick={() => (isLast ? endTour() : setTour(step + 1))}>
              {isLast ? "Done" : "Next"}
            </Button>
          </div>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
