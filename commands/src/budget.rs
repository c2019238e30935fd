//! What the cost of one caller's questions may add up to. A question's cost is known before it runs, so what would go over
//! the budget is refused before it costs anything.

use std::{net::IpAddr, sync::Arc};

use lockstep_domain::{ids::AccountId, time::Timestamp};

use crate::{
    throttle::subscriber,
    window::{Draw, Exhausted, InProcess, Level, Share, Windows},
};

/// Cost points of one caller. The first page costs up to 4,800 as it asks, a channel's 1,000: with the next smaller power
/// of ten a person with a few windows was refused; sixty of the dearest requests a minute still stop a program.
pub const COST: Share = Share { units_max: 60_000, window_s: 60 };

/// Whose budget it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// Somebody with a session, wherever they are.
    Account(AccountId),
    /// Anybody else, by the address of their subscriber.
    Address(IpAddr),
}

impl Caller {
    /// The account if there is one, else where they are; nobody without either, which is this process itself.
    pub fn of(account: Option<AccountId>, address: Option<IpAddr>) -> Option<Self> {
        account.map(Self::Account).or_else(|| address.map(Self::Address))
    }

    /// The name of its windows of one kind.
    pub fn key(&self, kind: &str) -> String {
        match self {
            Self::Account(account) => format!("{kind}/account/{account}"),
            Self::Address(address) => format!("{kind}/address/{}", subscriber(*address)),
        }
    }
}

/// Where a budget stands after a charge.
pub type Budget = Level;

/// Charges the cost of questions.
#[async_trait::async_trait]
pub trait CostBudget: Send + Sync + 'static {
    /// Charges the cost, and says where the budget stands then. A cost of 0 only looks.
    ///
    /// # Errors
    /// [`Exhausted`]: nothing was charged, and how long to wait.
    async fn charge(&self, caller: &Caller, cost: u32, now: Timestamp) -> Result<Budget, Exhausted>;
}

/// A budget of cost points over any windows. Cheap to clone.
#[derive(Clone)]
pub struct Costs {
    windows: Arc<dyn Windows>,
    share: Share,
}

impl Costs {
    pub fn new(windows: Arc<dyn Windows>, share: Share) -> Self {
        Self { windows, share }
    }
}

impl Default for Costs {
    /// Counted in this process.
    fn default() -> Self {
        Self::new(Arc::new(InProcess::default()), COST)
    }
}

#[async_trait::async_trait]
impl CostBudget for Costs {
    async fn charge(&self, caller: &Caller, cost: u32, now: Timestamp) -> Result<Budget, Exhausted> {
        let draw = Draw { key: caller.key("graphql"), cost, share: self.share };
        let levels = self.windows.draw(&[draw], now).await?;
        let untouched = Level { limit: self.share.units_max, remaining: self.share.units_max, reset_at: now };
        Ok(levels.first().copied().unwrap_or(untouched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    #[tokio::test]
    async fn a_budget_is_spent_to_its_last_point_and_comes_back() {
        let budget = Costs::default();
        let ada = Caller::Account(AccountId(uuid::Uuid::from_u128(1)));
        let bob = Caller::Address("2001:db8:1:2::7".parse().unwrap());
        let spent = budget.charge(&ada, 59_000, Timestamp(0)).await.unwrap();
        assert_eq!(spent, Budget { limit: 60_000, remaining: 1_000, reset_at: Timestamp(MINUTE_US) });
        budget.charge(&ada, 1_000, Timestamp(1)).await.unwrap();
        let refused = budget.charge(&ada, 1, Timestamp(MINUTE_US - 1)).await.unwrap_err();
        assert_eq!((refused.after_us, refused.after_s(), refused.level.remaining), (1, 1, 0));
        let seen = budget.charge(&ada, 0, Timestamp(MINUTE_US - 1)).await.unwrap();
        assert_eq!((seen.remaining, seen.reset_at), (0, Timestamp(MINUTE_US + 1)), "looking costs nothing");
        assert_eq!(budget.charge(&ada, 59_000, Timestamp(MINUTE_US)).await.unwrap().remaining, 0);
        assert_eq!(budget.charge(&bob, 60_000, Timestamp(2)).await.unwrap().remaining, 0);
        let neighbour = Caller::Address("2001:db8:1:2:ffff::1".parse().unwrap());
        assert!(budget.charge(&neighbour, 1, Timestamp(3)).await.is_err(), "the same subscriber");
    }

    #[tokio::test]
    async fn what_is_dearer_than_the_whole_budget_never_fits() {
        let budget = Costs::default();
        let ada = Caller::Account(AccountId(uuid::Uuid::from_u128(1)));
        let refused = budget.charge(&ada, COST.units_max + 1, Timestamp(0)).await.unwrap_err();
        assert_eq!((refused.after_s(), refused.level.remaining), (COST.window_s, COST.units_max));
        assert_eq!(budget.charge(&ada, COST.units_max, Timestamp(0)).await.unwrap().remaining, 0);
    }
}
