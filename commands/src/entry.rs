//! The door: every way in that a stranger may try, counted before it costs anything.

use std::{net::IpAddr, sync::Arc};

use lockstep_domain::installation::Registration;

use crate::{
    CommandError, Context, LoadError, Principal, Services,
    account::{self, AccountRefusal, Answer},
    identity::{self, Arrival},
    password,
    registration::{self, Application},
    signin,
    throttle::{Counted, Counting, Throttle},
};

/// How this process lets people in.
#[derive(Clone)]
pub struct Entry {
    /// The operator's word on who may register; it beats what administrators chose.
    pub registration: Option<Registration>,
    pub throttle: Arc<dyn Throttle>,
}

impl Default for Entry {
    fn default() -> Self {
        Self { registration: None, throttle: Arc::new(Counting::default()) }
    }
}

impl Entry {
    /// Who may register now.
    pub async fn registration(&self, services: &Services) -> Result<Registration, LoadError> {
        match self.registration {
            Some(registration) => Ok(registration),
            None => registration::stored(services).await,
        }
    }

    /// Signs in. A success makes the account's earlier tries forgotten, not those of the address.
    pub async fn sign_in(
        &self,
        services: &Services,
        context: &Context,
        address: Option<IpAddr>,
        name: &str,
        password: &str,
    ) -> Answer {
        let own = Counted::name(name);
        self.count(context, address, Some(&own)).await?;
        let answer = account::sign_in(services, name, password).await;
        let answer = signin::answered(services, context, name, answer).await;
        self.forgive(&answer, &own).await;
        answer
    }

    /// Registers, or turns the guest who asks into a member.
    pub async fn register(
        &self,
        services: &Services,
        context: &Context,
        address: Option<IpAddr>,
        asker: Option<&Principal>,
        application: Application<'_>,
    ) -> Answer {
        self.count(context, address, None).await?;
        let registration = self.registration(services).await?;
        registration::register(services, context, registration, asker, application).await
    }

    /// Signs in whom a provider has named, or registers them; what they tried was counted when they set out.
    pub async fn sign_in_by_identity(
        &self,
        services: &Services,
        context: &Context,
        asker: Option<&Principal>,
        arrival: Arrival<'_>,
    ) -> Answer {
        let registration = self.registration(services).await?;
        identity::sign_in(services, context, registration, asker, arrival).await
    }

    /// Makes a guest by name.
    pub async fn join_as_guest(
        &self,
        services: &Services,
        context: &Context,
        address: Option<IpAddr>,
        name: &str,
    ) -> Answer {
        let counted: Vec<Counted> = address.map(Counted::guests).into_iter().collect();
        self.admit(context, &counted).await?;
        account::admit_guest(services, context, name).await
    }

    /// Sets a new password by a one-time link.
    pub async fn reset_password(
        &self,
        services: &Services,
        context: &Context,
        address: Option<IpAddr>,
        token: &str,
        next: &str,
    ) -> Answer {
        self.count(context, address, None).await?;
        password::reset(services, context, token, next).await
    }

    /// Sets a new password by who knows the present one: guessing that in a session left open is counted like signing in.
    pub async fn change_password(
        &self,
        services: &Services,
        context: &Context,
        principal: &Principal,
        current: &str,
        next: &str,
    ) -> Answer {
        let own = Counted::name(&principal.account.to_string());
        self.count(context, None, Some(&own)).await?;
        let answer = password::change(services, context, principal, current, next).await;
        let answer = signin::confirmed(services, context, principal.account, answer).await;
        self.forgive(&answer, &own).await;
        answer
    }

    /// Whether it is still the account's owner who asks: their password once more, counted like signing in; without a
    /// password, their provider's word within the last minutes.
    pub async fn confirm(
        &self,
        services: &Services,
        context: &Context,
        principal: &Principal,
        password: &str,
    ) -> Result<(), CommandError<AccountRefusal>> {
        let own = Counted::name(&principal.account.to_string());
        self.count(context, None, Some(&own)).await?;
        let answer = password::confirm(services, principal, password).await;
        let answer = signin::confirmed(services, context, principal.account, answer).await;
        if answer.is_ok() {
            self.throttle.forgive(&own).await;
        }
        answer
    }

    async fn count(
        &self,
        context: &Context,
        address: Option<IpAddr>,
        name: Option<&Counted>,
    ) -> Result<(), CommandError<AccountRefusal>> {
        let counted: Vec<Counted> = address.map(Counted::address).into_iter().chain(name.cloned()).collect();
        self.admit(context, &counted).await
    }

    async fn admit(&self, context: &Context, counted: &[Counted]) -> Result<(), CommandError<AccountRefusal>> {
        let admitted = self.throttle.admit(counted, context.now).await;
        admitted.map_err(|throttled| CommandError::Refused(AccountRefusal::Throttled(throttled)))
    }

    async fn forgive(&self, answer: &Answer, own: &Counted) {
        if answer.is_ok() {
            self.throttle.forgive(own).await;
        }
    }
}
