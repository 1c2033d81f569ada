/** An empty studio teaches: what this is, and the first click. */
import { Sparkles } from "lucide-react";
import { useState } from "react";
import { Button } from "../controls/button.tsx";
import { useStudio, wantedBy } from "../state/studio.ts";
import { Fetchable } from "./fetchable.tsx";
import { loadSamples } from "./samples.ts";

/** Of a recipe that came before its models did. */
function Waiting() {
  const names = useStudio(wantedNames);
  if (names === "") return null;
  return (
    <>
      <p className="welcome-waiting">
        The recipe waits for <b>{names}</b>. Open {names.includes(", ") ? "them" : "it"} under the same{" "}
        {names.includes(", ") ? "names" : "name"}, and the mix is as it was.
      </p>
      <Fetchable refs={names.split(", ")} />
    </>
  );
}

const wantedNames = (state: Parameters<typeof wantedBy>[0]) => wantedBy(state).join(", ");

export function Welcome() {
  const [loading, setLoading] = useState(false);
  return (
    <section className="welcome" aria-label="Welcome">
      <svg viewBox="0 0 480 120" className="welcome-art" aria-hidden="true" fill="none" strokeWidth="2.5">
        <path d="M0 96C120 96 160 24 280 24s120 30 200 30" stroke="var(--model-0)" />
        <path d="M0 20c100 0 160 70 260 70s140-22 220-22" stroke="var(--model-1)" />
        <path d="M0 60h480" stroke="var(--model-2)" strokeDasharray="7 4" />
      </svg>
      <h2>Merge models by hand</h2>
      <p>
        Open two or more fine-tunes of one model, draw how much of each goes into every layer, and save a checkpoint
        that transformers loads. Everything happens on this machine.
      </p>
      <Waiting />
      <Button
        look="primary"
        disabled={loading}
        onClick={() => {
          setLoading(true);
          void loadSamples().finally(() => setLoading(false));
        }}
      >
        <Sparkles size={16} aria-hidden /> {loading ? "Loading ..." : "Try the sample family"}
      </Button>
      <p className="quiet">
        Four tiny models, 6.6 MB, that came with this page: a base that half-knows three tasks and a specialist for
        each. Or drop your own folders anywhere, or add models from the Hub.
      </p>
    </section>
  );
}
