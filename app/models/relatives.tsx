/** Do they share an ancestor? The answer of a sample of the weights, with its numbers. */
import type { Kin, Kinship, Likeness } from "../../core/doctor/kin.ts";
import { useDoctor } from "../state/doctor.ts";

const percent = (share: number) => {
  const value = 100 * share;
  return `${value.toFixed(value < 1 ? 2 : value < 10 ? 1 : 0)} %`;
};
const cosine = (value: number) => value.toFixed(value > 0.99 && value < 0.99995 ? 4 : 2);

/** One sentence per model. */
export function kinInWords({ ref, cosine: cos, change, related }: Kin, reference: string): string {
  const numbers = `cosine ${cosine(cos)}, change ${percent(change)}`;
  if (change === 0) return `${ref} equals ${reference} in every sampled weight. Is it the right file?`;
  if (related === "yes") return `${ref} and ${reference} share an ancestor: ${numbers}.`;
  if (related === "no")
    return `${ref} and ${reference} were trained apart: ${numbers}, where fine-tunes have over 0.99 and under 3 %. Merging them rarely makes sense.`;
  return `${ref} may descend from ${reference}: ${numbers}. That is far for a fine-tune; check what it was trained from.`;
}

/** "adder and sorter: cosine 0.05" */
export function likenessInWords({ a, b, cosine: cos }: Likeness): string {
  if (cos === null) return `${a} and ${b}: one of them did not move`;
  const how =
    cos > 0.5
      ? "changed alike"
      : cos < -0.1
        ? "pull apart"
        : cos > 0.1
          ? "partly changed alike"
          : "changed different things";
  return `${a} and ${b} ${how} (${cos.toFixed(2)})`;
}

export const answerOf = ({ kin }: Kinship): string => {
  if (kin.length === 0) return "Nothing to compare: no matrix has one name and shape in all.";
  if (kin.every(({ related }) => related === "yes")) return "Yes.";
  return kin.some(({ related }) => related === "no") ? "Not all." : "Perhaps.";
};

export function Relatives() {
  const { kinship, looking } = useDoctor();
  if (looking) return <p className="kin-state">Sampling weights for a common ancestor ...</p>;
  if (kinship === null) return null;
  const { kin, likeness, reference, tensors, weights } = kinship;
  return (
    <details className="kin" open={kin.some(({ related, change }) => related !== "yes" || change === 0)}>
      <summary>
        Do they share an ancestor? <strong>{answerOf(kinship)}</strong>
      </summary>
      {kin.map((one) => (
        <p key={one.ref}>{kinInWords(one, reference)}</p>
      ))}
      {likeness.length > 0 && (
        <p>
          Changes from {reference}, by cosine: {likeness.map(likenessInWords).join("; ")}.
        </p>
      )}
      {tensors > 0 && (
        <p className="kin-state">
          From {weights.toLocaleString("en")} weights in {tensors} {tensors === 1 ? "tensor" : "tensors"}.
        </p>
      )}
    </details>
  );
}
