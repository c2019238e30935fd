// The words of choosing a name after the provider, and of what the provider opens on the account page.

export const identities = {
  chooseName: {
    title: "Choose a name",
    lead: "You are new here. Which name shall the others see?",
    taken: (name: string) =>
      `You are new here, and “${name}” is taken or cannot be shown. Which name shall the others see?`,
    submit: "Create the account",
    busy: "Creating…",
    back: "Sign in another way",
  },
  linked: {
    title: "Other ways to sign in",
    lead: "Whoever your provider says is you comes into this account, also without your password here.",
    password: "Your password",
    since: (when: string) => `linked ${when}`,
    used: (when: string) => `last used ${when}`,
    unused: "never used",
    link: (name: string) => `Link ${name}`,
    unlink: "Unlink",
    unlinkOf: (name: string) => `Unlink ${name}`,
    unlinked: "Unlinked. It opens your account no longer.",
  },
  confirm: {
    lead: (name: string) =>
      `You have no password here. Confirm with ${name} that it is you; that counts for five minutes.`,
    submit: (name: string) => `Confirm with ${name}`,
    confirmed: "Your provider has just confirmed that it is you.",
    gone: "You have no password here, and there is no provider now. Ask an administrator for a link that sets one.",
  },
  password: {
    title: "Set a password",
    hint: "With one you can sign in without your provider too. Setting it signs you out everywhere else.",
    submit: "Set the password",
    done: "Your password is set. All other devices are signed out.",
  },
};
