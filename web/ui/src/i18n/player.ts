// Words of the player's parts that are fetched when they are needed.

export const playerWords = {
  chapter: (n: number) => `Chapter ${n}`,
  chapters: "Chapters",
  chaptersOf: (title: string) => `Chapters, now ${title}`,
  mini: {
    back: (name: string) => `Back to ${name}`,
    close: "Close and leave the channel",
  },
  style: {
    title: "How captions look",
    open: "How captions look…",
    lead: "On this device, for every film.",
    sample: "Captions look like this.",
    size: "Size",
    sizes: { small: "Small", normal: "Normal", large: "Large", huge: "Very large" },
    text: "Text",
    colours: { white: "White", yellow: "Yellow", cyan: "Light blue", green: "Green" },
    edge: "Edge of the text",
    edges: { none: "None", outline: "Outline", shadow: "Shadow" },
    back: "Background",
    backs: { none: "None", light: "Light", strong: "Strong", solid: "Black" },
    place: "Place",
    places: { bottom: "Bottom", top: "Top" },
    reset: "As at first",
  },
};
