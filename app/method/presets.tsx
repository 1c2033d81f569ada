/** "Start from ...": recipes people know, made for the open models; the ones that cannot be say what they lack. */
import { ChevronDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useMemo } from "react";
import { say } from "../state/messages.ts";
import { useModels } from "../state/models.ts";
import { type Offer, offersFor } from "../state/presets.ts";
import { UNDO, useStudio } from "../state/studio.ts";

interface Props {
  readonly align?: "start" | "end";
  /** Which recipes are offered; all without. */
  fits?(offer: Offer): boolean;
}

const always = () => true;

export function PresetMenu({ align = "start", fits = always }: Props) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button presets">
        Start from ... <ChevronDown size={14} aria-hidden />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu preset-list" align={align} sideOffset={4} collisionPadding={12}>
          <Offers fits={fits} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Made when the menu is open, not with every stroke of a curve. */
function Offers({ fits }: { fits(offer: Offer): boolean }) {
  const recipe = useStudio((state) => state.recipe);
  const adopt = useStudio((state) => state.adopt);
  const list = useModels((state) => state.list);
  const offers = useMemo(
    () =>
      offersFor(
        recipe,
        list.map(({ summary }) => ({ ref: summary.name, layers: summary.stacks[0]?.layers ?? null })),
      ).filter(fits),
    [recipe, list, fits],
  );
  return offers.map((offer) => (
    <DropdownMenu.Item
      key={offer.preset.id}
      className="menu-item preset"
      textValue={offer.preset.title}
      disabled={offer.recipe === null}
      onSelect={() => {
        if (offer.recipe === null) return;
        adopt({ kind: "merge", stages: [offer.recipe] }, null);
        say("info", offer.said, UNDO);
      }}
    >
      <span className="picker-title">{offer.preset.title}</span>
      <span className="picker-summary">{offer.preset.summary}</span>
      {offer.recipe === null && <span className="preset-why">{offer.why}</span>}
    </DropdownMenu.Item>
  ));
}
