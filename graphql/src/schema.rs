//! The schema as the transport sees it: limits before, masking after, a panic contained.

use std::panic::AssertUnwindSafe;

use async_graphql::{Name, PathSegment, Request, Response, Schema, ServerError, Value, parser::types::OperationType};
use futures::{FutureExt, Stream, StreamExt, future, stream};
use lockstep_domain::account::PlatformRole;

use crate::{
    batch::{self, Spawner},
    context::{RequestContext, SchemaDeps},
    cost::Charging,
    limits::{self, COMPLEXITY_MAX, DEPTH_MAX, DIRECTIVES_MAX, Kind, NESTING_MAX},
    loader::Loaders,
    mutation::Mutation,
    persisted::Persisted,
    problem,
    query::Query,
    scope,
    subscription::Subscription,
};

/// Depth and cost of the schema's own description, which tools ask for in one deep query.
const INTROSPECTION_DEPTH_MAX: usize = 20;

/// Who may ask what the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Introspection {
    /// For development.
    Everyone,
    /// For production: the schema is a file in the repository.
    #[default]
    SignedIn,
    Administrators,
}

type Inner = Schema<Query, Mutation, Subscription>;

/// The schema with everything behind it. Cheap to clone.
#[derive(Clone)]
pub struct AppSchema {
    ordinary: Inner,
    /// The same types without a cost limit: answers only about the schema itself.
    introspection: Inner,
    persisted: Persisted,
    deps: SchemaDeps,
}

/// Builds the schema over the program's parts.
pub fn schema(deps: SchemaDeps) -> AppSchema {
    let build = || {
        Schema::build(Query::default(), Mutation::default(), Subscription::default())
            .data(deps.clone())
            .extension(Charging)
            .limit_directives(DIRECTIVES_MAX)
            .limit_recursive_depth(NESTING_MAX)
            .disable_suggestions()
    };
    AppSchema {
        ordinary: build().limit_depth(DEPTH_MAX).limit_complexity(COMPLEXITY_MAX).finish(),
        introspection: build().limit_depth(INTROSPECTION_DEPTH_MAX).finish(),
        persisted: Persisted::new(deps.trusted.clone()),
        deps,
    }
}

/// Whether the request failed before anything ran: the answer then has no `data` and a 4xx status.
pub fn is_request_error(response: &Response) -> bool {
    !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
        && response.data == Value::Null
}

/// Whether nothing was answered because a part is out of reach: asking again soon may help.
pub fn is_unavailable(response: &Response) -> bool {
    let away = |error: &ServerError| {
        error.extensions.as_ref().and_then(|extensions| extensions.get("code")) == Some(&problem::UNAVAILABLE.into())
    };
    let failed = |name: &Name| {
        let at =
            |error: &ServerError| matches!(error.path.first(), Some(PathSegment::Field(at)) if at == name.as_str());
        response.errors.iter().any(at)
    };
    response.errors.iter().any(away)
        && match &response.data {
            Value::Null => true,
            Value::Object(fields) => fields.iter().all(|(name, value)| *value == Value::Null && failed(name)),
            _ => false,
        }
}

impl AppSchema {
    /// The schema in its definition language, as in `schema.graphql`.
    pub fn sdl(&self) -> String {
        self.ordinary.sdl()
    }

    /// Whether the operation it runs changes something. What cannot be read runs nothing.
    pub fn is_mutation(&self, request: &mut Request) -> bool {
        self.persisted.complete(request).is_ok()
            && limits::operation(request).is_some_and(|kind| kind == OperationType::Mutation)
    }

    /// Answers a query or a mutation.
    pub async fn execute(&self, request: Request, context: RequestContext) -> Response {
        let request_id = context.request_id.clone();
        let response = match self.prepare(request, context, true) {
            Ok((schema, request, spawner)) => {
                let answer = AssertUnwindSafe(batch::drive(schema.execute(request), spawner)).catch_unwind().await;
                answer.unwrap_or_else(|_| problem::panicked(&request_id))
            }
            Err(refused) => Response::from_errors(vec![refused]),
        };
        problem::finish(response, &request_id)
    }

    /// Answers any operation as a stream: one response for a query or mutation, one per event for a subscription.
    pub fn execute_stream(
        &self,
        request: Request,
        context: RequestContext,
    ) -> impl Stream<Item = Response> + Send + 'static + use<> {
        let request_id = context.request_id.clone();
        let responses = match self.prepare(request, context, false) {
            Ok((schema, request, spawner)) => {
                let responses = batch::drive_stream(schema.execute_stream(request), spawner);
                AssertUnwindSafe(responses).catch_unwind().boxed()
            }
            Err(refused) => stream::once(future::ready(Ok(Response::from_errors(vec![refused])))).boxed(),
        };
        responses.map(move |response| match response {
            Ok(response) => problem::finish(response, &request_id),
            Err(_) => problem::panicked(&request_id),
        })
    }

    /// Checks the limits and adds what resolvers need. `once`: rows may be remembered for the whole request.
    fn prepare(
        &self,
        mut request: Request,
        context: RequestContext,
        once: bool,
    ) -> Result<(&Inner, Request, Spawner), ServerError> {
        let open = self.may_introspect(&context);
        let fresh = self.persisted.complete(&mut request)?;
        scope::check(&mut request, context.principal.as_ref())?;
        let kind = limits::check(&mut request)?;
        self.deps.trusted.check(self.deps.anonymous, context.principal.as_ref(), &mut request, kind)?;
        if let Some(fresh) = fresh {
            self.persisted.remember(fresh, &request.query);
        }
        let schema = match kind {
            Kind::Introspection if open => &self.introspection,
            Kind::Introspection | Kind::Ordinary => &self.ordinary,
        };
        // Beside other fields it would be answered without the estimate of what it asks for.
        let open = open && kind == Kind::Introspection;
        let request = if open { request } else { request.disable_introspection() };
        let spawner = Spawner::default();
        let loaders = Loaders::new(&self.deps.reader, &spawner, once);
        Ok((schema, request.data(loaders).data(context), spawner))
    }

    fn may_introspect(&self, context: &RequestContext) -> bool {
        let role = context.principal.as_ref().map(|principal| principal.role);
        match self.deps.introspection {
            Introspection::Everyone => true,
            Introspection::SignedIn => role.is_some_and(|role| role != PlatformRole::Guest),
            Introspection::Administrators => role == Some(PlatformRole::Administrator),
        }
    }
}
