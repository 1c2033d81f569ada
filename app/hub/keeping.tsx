/** How much of what is downloaded may stay for the next visit, how much does, and the way to be rid of it. */
import { useEffect, useState } from "react";
import { messageOf } from "../../core/errors.ts";
import { formatBytes } from "../../core/units.ts";
import { Button } from "../controls/button.tsx";
import { Select } from "../controls/choice.tsx";
import { hub, keepUpTo, keptLimit } from "../state/hub.ts";
import { say } from "../state/messages.ts";

const LIMITS = [
  { value: "0", label: "Keep no downloads" },
  { value: "1000000000", label: "Keep up to 1 GB" },
  { value: "5000000000", label: "Keep up to 5 GB" },
  { value: "20000000000", label: "Keep up to 20 GB" },
];

export function Keeping() {
  const [limit, setLimit] = useState(keptLimit);
  const [kept, setKept] = useState<number | null>(null);
  const count = async () => setKept(await (await hub()).hubKept());
  // biome-ignore lint/correctness/useExhaustiveDependencies: counted when it is shown
  useEffect(() => void count().catch(() => {}), []);
  const act = (work: () => Promise<void>) =>
    void work()
      .then(count)
      .catch((error: unknown) => say("error", messageOf(error)));
  return (
    <div className="hub-one hub-keeping">
      <p>
        Downloads in this browser's private storage: {kept === null ? "..." : kept === 0 ? "none" : formatBytes(kept)}
      </p>
      {kept !== null && kept > 0 && (
        <Button look="ghost" onClick={() => act(async () => (await hub()).hubForget())}>
          Clear
        </Button>
      )}
      <Select
        label="Downloads to keep"
        hideLabel
        value={String(limit)}
        options={LIMITS}
        onChange={(next) => {
          setLimit(Number(next));
          act(() => keepUpTo(Number(next)));
        }}
      />
    </div>
  );
}
