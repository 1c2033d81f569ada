/** The mix: the method, its parameters, and the mixer; a mixture of experts is shown as what it is. */
import { MethodPanel } from "../method/panel.tsx";
import { useStudio } from "../state/studio.ts";
import { Mixture } from "./elsewhere.tsx";
import { Mixer } from "./mixer.tsx";

export function Mix() {
  const moe = useStudio((state) => state.moe);
  if (moe !== null) return <Mixture moe={moe} />;
  return (
    <>
      <Chain />
      <MethodPanel />
      <Mixer />
    </>
  );
}

/** Says that the mixer shows one recipe of several. */
function Chain() {
  const { recipe, earlier } = useStudio();
  if (earlier.length === 0) return null;
  const names = [...earlier, recipe].map(({ name }) => name ?? "the result");
  return (
    <p className="chain">
      <b>{names.length} recipes in a chain:</b> {names.join(" → ")}. Below is the last of them; all are planned and
      merged as one.
    </p>
  );
}
