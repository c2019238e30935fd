// What the refusals about accounts and registering say.

export const accountRefusals = {
  wrong_password: "The current password is not right.",
  no_password: "This account has no password.",
  registration_closed: "Nobody can register here now.",
  registration_link: "This registration link does not work any more. Ask for a new one.",
  reset_link: "This link does not work any more. Ask an administrator for a new one.",
  suspended: "This account is suspended. Ask an administrator.",
  yourself: "You cannot do this to yourself: ask another administrator.",
  exists: "That exists already.",
  reason_length: "A reason has at most 500 characters.",
  link_life: "A link lasts at most 90 days.",
  link_uses: "A link admits 1 to 1000 people.",
  too_many_links: "There are very many open links: take some back first.",
};
