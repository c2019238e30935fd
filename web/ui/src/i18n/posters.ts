// Words of choosing the picture that stands for a video, fetched with it.

export const posters = {
  title: "The picture of this video",
  lead: "Take one of its moments, or a picture of your own. It is shown wherever the video is.",
  moments: "Moments",
  moment: (time: string) => `Picture at ${time}`,
  none: "This video has no small pictures to choose from.",
  upload: "Choose a picture file",
  uploadHint: "JPEG, PNG or WebP. It is made at most 1280 pixels wide; what the camera wrote into it is left out.",
  reset: "Back to the first picture",
  working: "Taking the picture…",
  chosen: "It has another picture.",
  unreadable: "This file cannot be read as a picture. Choose a JPEG, PNG or WebP.",
  untaken: "This moment cannot be shown here. Try another one, or a picture file.",
};
