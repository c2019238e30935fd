// How captions look on this device: one choice for the words over the film and for the dialog that changes it.

import { recall, remember } from "$src/app/settings";
import { type CaptionStyle, readStyle } from "$src/player/captionStyle";

const PLACE = "captions.style";

class CaptionLook {
  style: CaptionStyle = $state.raw(readStyle(recall(PLACE)));

  choose(style: CaptionStyle): void {
    this.style = style;
    remember(PLACE, JSON.stringify(style));
  }
}

export const captionLook = new CaptionLook();
