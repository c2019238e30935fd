//! A person as others see them.

use async_graphql::SimpleObject;
use lockstep_commands::Principal;
use lockstep_domain::ids::AccountId;
use lockstep_projections::accounts::AccountRow;
use uuid::Uuid;

use crate::{loader::Loaders, problem::Problem, scalar::PlatformRole};

/// A person, registered or a guest.
#[derive(SimpleObject, Clone)]
pub(crate) struct Account {
    /// The account's id.
    pub id: Uuid,
    /// Empty once the person was erased.
    pub name: String,
    /// What the account may do on the whole platform.
    pub role: PlatformRole,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self { id: row.account.0, name: row.name, role: row.role.into() }
    }
}

impl From<&Principal> for Account {
    fn from(principal: &Principal) -> Self {
        Self { id: principal.account.0, name: principal.name.clone(), role: principal.role.into() }
    }
}

/// The account of this id, batched with others.
pub(crate) async fn load(loaders: &Loaders, account: AccountId) -> Result<Option<Account>, Problem> {
    Ok(loaders.accounts.load_one(account).await?.map(Account::from))
}
