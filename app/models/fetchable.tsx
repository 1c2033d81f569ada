/** Models that a recipe names and nobody has opened: those that may be on the Hub can be asked for there. */
import { Cloud } from "lucide-react";
import { Button } from "../controls/button.tsx";
import { hubNamesIn, onHub } from "../state/hub.ts";
import { openModels, useModels } from "../state/models.ts";

/** Names are asked for only when the button is pressed. */
export function Fetchable({ refs }: { readonly refs: readonly string[] }) {
  const { list, opening } = useModels();
  const open = [...list.map(({ summary }) => summary.name), ...opening];
  const names = hubNamesIn(refs, open);
  if (names.length === 0) return null;
  return (
    <div className="buttons">
      <Button title={names.join(", ")} onClick={() => void openModels(names.map((name) => onHub(name)))}>
        <Cloud size={15} aria-hidden /> Open {names.length === 1 ? names[0] : `all ${names.length}`} from the Hub
      </Button>
    </div>
  );
}
