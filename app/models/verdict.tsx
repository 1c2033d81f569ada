/** Can these merge? What the doctor found in headers and configs, what the planner refuses, who is related to whom. */
import { Check, CircleAlert, CircleCheck, CircleX, TriangleAlert, Wrench } from "lucide-react";
import type { Finding } from "../../core/doctor/finding.ts";
import { Button } from "../controls/button.tsx";
import { heal, healing, useDoctor } from "../state/doctor.ts";
import { castOf, isWhole } from "../state/edits.ts";
import { usePlan } from "../state/plan.ts";
import { type Held, useStudio } from "../state/studio.ts";
import { Fetchable } from "./fetchable.tsx";
import { Relatives } from "./relatives.tsx";
import { judge } from "./words.ts";

const ICONS = { yes: CircleCheck, fix: Wrench, no: CircleX, wait: CircleAlert } as const;

export function Verdict() {
  const { diagnosis, took } = useDoctor();
  const refusal = usePlan((state) => state.refusal);
  const whole = useStudio((state) => state.moe === null && isWhole(state.recipe));
  const alone = useStudio(onlyModel);
  const { verdict, headline, findings, more } = judge(diagnosis, refusal, alone);
  const Icon = ICONS[verdict];
  return (
    <section className={`verdict verdict-${verdict}`} aria-label="Can these merge?" aria-live="polite">
      <h2>Can these merge?</h2>
      <p
        className="verdict-head"
        title={took === null ? undefined : `Headers and configs, read in ${Math.round(took)} ms`}
      >
        <Icon size={16} aria-hidden /> <strong>{headline}</strong>
      </p>
      {more.map((text) => (
        <p key={text}>{text}</p>
      ))}
      <Fetchable refs={refusal?.missing ?? NONE} />
      <ul className="findings">
        {findings.map((finding) => (
          <Reason key={finding.text} finding={finding} whole={whole} />
        ))}
      </ul>
      <Relatives />
    </section>
  );
}

/** A recipe of whole models that has just one merges nothing yet. */
function onlyModel({ recipe, moe, earlier }: Held): string | null {
  if (moe !== null || earlier.length > 0 || !isWhole(recipe)) return null;
  const [only, ...more] = castOf(recipe);
  return only === undefined || more.length > 0 ? null : only;
}

const NONE: readonly string[] = [];

const MARKS = { stop: CircleX, fix: Wrench, warn: TriangleAlert, fine: Check } as const;
const SAID = { stop: "Hinders:", fix: "To fix:", warn: "Mind:", fine: "Fine:" } as const;

function Reason({ finding: { weight, text, remedy }, whole }: { readonly finding: Finding; readonly whole: boolean }) {
  const Mark = MARKS[weight];
  // In stacks and modules a model has places that cannot simply go.
  const can = remedy !== undefined && (remedy.kind !== "leave" || whole);
  return (
    <li className={`finding finding-${weight}`}>
      <Mark size={13} aria-label={SAID[weight]} />
      <div>
        <p>{text}</p>
        {can && <Button onClick={() => heal(remedy)}>{healing(remedy)}</Button>}
      </div>
    </li>
  );
}
