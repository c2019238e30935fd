// Documents of the account page's API tokens and webhooks.

import type { ResultOf } from "gql.tada";
import { ChangeParts } from "./change";
import { graphql } from "./document";

export type ApiToken = NonNullable<ResultOf<typeof IntegrationsQuery>["apiTokens"]>[number];
export type ApiScope = ApiToken["scopes"][number];
export type Webhook = NonNullable<ResultOf<typeof IntegrationsQuery>["webhooks"]>[number];
export type WebhookTopic = Webhook["topics"][number];
export type Delivery = NonNullable<ResultOf<typeof DeliveriesQuery>["webhookDeliveries"]>[number];

export const IntegrationsQuery = graphql(`
  query Integrations {
    loginName
    confirmedUntil
    identityProvider {
      name
    }
    apiTokens {
      id
      name
      scopes
      prefix
      createdAt
      expiresAt
      lastUsedAt
      expired
    }
    webhooks {
      id
      url
      topics
      everybody
      disabled
      oldSecretsUntil
    }
  }
`);

export const DeliveriesQuery = graphql(`
  query Deliveries($webhook: UUID!) {
    webhookDeliveries(webhook: $webhook) {
      id
      topic
      at
      state
      attempts
      nextAt
      status
      error
    }
  }
`);

export const CreateApiToken = graphql(`
  mutation CreateApiToken($input: CreateApiTokenInput!) {
    createApiToken(input: $input) {
      __typename
      ... on ApiTokenCreated {
        token
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const RevokeApiToken = graphql(
  `
    mutation RevokeApiToken($input: RevokeApiTokenInput!) {
      revokeApiToken(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const RegisterWebhook = graphql(`
  mutation RegisterWebhook($input: RegisterWebhookInput!) {
    registerWebhook(input: $input) {
      __typename
      ... on WebhookRegistered {
        secret
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const RemoveWebhook = graphql(
  `
    mutation RemoveWebhook($input: WebhookInput!) {
      removeWebhook(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const EnableWebhook = graphql(
  `
    mutation EnableWebhook($input: WebhookInput!) {
      enableWebhook(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);

export const RotateWebhookSecret = graphql(`
  mutation RotateWebhookSecret($input: RotateWebhookSecretInput!) {
    rotateWebhookSecret(input: $input) {
      __typename
      ... on WebhookSecretRotated {
        secret
      }
      ... on Refused {
        code
        message
      }
    }
  }
`);

export const SendWebhookAgain = graphql(
  `
    mutation SendWebhookAgain($input: SendAgainInput!) {
      sendWebhookAgain(input: $input) {
        ...ChangeParts
      }
    }
  `,
  [ChangeParts],
);
