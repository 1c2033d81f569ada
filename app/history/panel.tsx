/** The history beside the mix: versions with names, and every step that can be undone, in words. */
import { GitCompare, X } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button } from "../controls/button.tsx";
import { useShown } from "../state/shown.ts";
import { jump, useSteps } from "../state/steps.ts";
import { readVersions } from "../state/versions.ts";
import { useView } from "../state/view.ts";
import { VersionList } from "./versions.tsx";

export default function HistoryPanel() {
  const close = useView((state) => state.set);
  useEffect(() => void readVersions(), []);
  return (
    <section className="drawer history" aria-label="History">
      <header>
        <h2>History</h2>
        <Button
          look="icon"
          aria-label="Compare versions"
          title="Compare versions"
          onClick={() => useShown.getState().show({ kind: "compare" })}
        >
          <GitCompare size={15} aria-hidden />
        </Button>
        <Button look="icon" aria-label="Close the history" onClick={() => close({ drawer: null })}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      <div className="history-body">
        <VersionList />
        <Steps />
      </div>
    </section>
  );
}

/** Newest first, as a person looks for what they just did. */
function Steps() {
  const steps = useSteps();
  const present = useRef<HTMLButtonElement>(null);
  const at = steps.findIndex(({ away }) => away === 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolled to wherever the present moved
  useEffect(() => {
    // Braces: what newer browsers return here is a promise, not a cleanup.
    present.current?.scrollIntoView({ block: "nearest" });
  }, [at, steps.length]);
  return (
    <section aria-label="Steps">
      <h3>Steps</h3>
      <p className="quiet">
        {steps.length === 1
          ? "Nothing was changed since the page was opened. Every change is listed here."
          : "Press a step to go there; what comes after it stays until something new is done."}
      </p>
      <ol className="steps">
        {[...steps].reverse().map(({ words, away, index }) => (
          <li key={index}>
            <button
              type="button"
              ref={away === 0 ? present : null}
              className={away > 0 ? "step step-undone" : "step"}
              aria-current={away === 0 ? "step" : undefined}
              onClick={() => jump(away)}
            >
              {words}
              {away === 0 && <span className="step-now">now</span>}
              {away > 0 && <span className="hidden"> (undone)</span>}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
