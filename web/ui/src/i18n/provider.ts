// The words of the button that leads to the provider of sign-ins.

export const provided = {
  or: "or",
  continueWith: (name: string) => `Continue with ${name}`,
  leaving: (name: string) => `Going to ${name}…`,
};
