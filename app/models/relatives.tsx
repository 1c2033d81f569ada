/** Do they share an ancestor? The answer of a sample of the weights, with its numbers. */
import { useDoctor } from "../state/doctor.ts";
import { answerOf, kinInWords, likenessInWords } from "./words.ts";

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
