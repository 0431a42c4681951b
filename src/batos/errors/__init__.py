"""Every error a caller can act on, under one root.

Each error carries its facts as fields and says three things: what happened, why, and what to
do next. `exit_code` is what the command line ends with.
"""

from batos.errors.copies import (
    BackupFailed as BackupFailed,
)
from batos.errors.copies import (
    BackupMissing as BackupMissing,
)
from batos.errors.copies import (
    BundleRefused as BundleRefused,
)
from batos.errors.copies import (
    Conflict as Conflict,
)
from batos.errors.copies import (
    Damaged as Damaged,
)
from batos.errors.copies import (
    FolderTaken as FolderTaken,
)
from batos.errors.copies import (
    ImportConflict as ImportConflict,
)
from batos.errors.copies import (
    NoSuchBackup as NoSuchBackup,
)
from batos.errors.copies import (
    NotExportable as NotExportable,
)
from batos.errors.growing import (
    ApprovalNeeded as ApprovalNeeded,
)
from batos.errors.growing import (
    BudgetSpent as BudgetSpent,
)
from batos.errors.growing import (
    ChildDied as ChildDied,
)
from batos.errors.growing import (
    ClosureTooLarge as ClosureTooLarge,
)
from batos.errors.growing import (
    ExamplesRefused as ExamplesRefused,
)
from batos.errors.growing import (
    GrowthFailed as GrowthFailed,
)
from batos.errors.growing import (
    SourceRefused as SourceRefused,
)
from batos.errors.growing import (
    WallsNeeded as WallsNeeded,
)
from batos.errors.growing import (
    WallsUnavailable as WallsUnavailable,
)
from batos.errors.minds import (
    EngineFailed as EngineFailed,
)
from batos.errors.minds import (
    MindMissing as MindMissing,
)
from batos.errors.minds import (
    MindNameRefused as MindNameRefused,
)
from batos.errors.minds import (
    PullFailed as PullFailed,
)
from batos.errors.minds import (
    PullInterrupted as PullInterrupted,
)
from batos.errors.minds import (
    WeightsDamaged as WeightsDamaged,
)
from batos.errors.minds import (
    WeightsRefused as WeightsRefused,
)
from batos.errors.objects import (
    ArgumentsRefused as ArgumentsRefused,
)
from batos.errors.objects import (
    DeliveryFailed as DeliveryFailed,
)
from batos.errors.objects import (
    ExtraMissing as ExtraMissing,
)
from batos.errors.objects import (
    MessageIdRefused as MessageIdRefused,
)
from batos.errors.objects import (
    MessageNotUnderstood as MessageNotUnderstood,
)
from batos.errors.objects import (
    MethodFailed as MethodFailed,
)
from batos.errors.objects import (
    NoSuchMethod as NoSuchMethod,
)
from batos.errors.objects import (
    NothingRuns as NothingRuns,
)
from batos.errors.objects import (
    NotStorable as NotStorable,
)
from batos.errors.objects import (
    OutsideUniverse as OutsideUniverse,
)
from batos.errors.objects import (
    PrimitiveFailed as PrimitiveFailed,
)
from batos.errors.objects import (
    QueueEmpty as QueueEmpty,
)
from batos.errors.objects import (
    SlotRefused as SlotRefused,
)
from batos.errors.objects import (
    TransactionOver as TransactionOver,
)
from batos.errors.past import (
    ForgetRefused as ForgetRefused,
)
from batos.errors.past import (
    HistoryStays as HistoryStays,
)
from batos.errors.past import (
    NoSuchMoment as NoSuchMoment,
)
from batos.errors.past import (
    PastReadOnly as PastReadOnly,
)
from batos.errors.past import (
    RestoreRefused as RestoreRefused,
)
from batos.errors.past import (
    UndoConflict as UndoConflict,
)
from batos.errors.root import BatosError as BatosError
from batos.errors.universes import (
    AddressRefused as AddressRefused,
)
from batos.errors.universes import (
    DecisionRefused as DecisionRefused,
)
from batos.errors.universes import (
    DiskFull as DiskFull,
)
from batos.errors.universes import (
    NoSuchObject as NoSuchObject,
)
from batos.errors.universes import (
    NoSuchProposal as NoSuchProposal,
)
from batos.errors.universes import (
    SettingRefused as SettingRefused,
)
from batos.errors.universes import (
    StoreMissing as StoreMissing,
)
from batos.errors.universes import (
    UniverseBusy as UniverseBusy,
)
from batos.errors.universes import (
    UniverseDenied as UniverseDenied,
)
from batos.errors.universes import (
    UniverseExists as UniverseExists,
)
from batos.errors.universes import (
    UniverseMissing as UniverseMissing,
)
from batos.errors.universes import (
    UniverseReadOnly as UniverseReadOnly,
)
from batos.errors.universes import (
    UniverseUnreachable as UniverseUnreachable,
)
from batos.errors.universes import (
    UniverseUnreadable as UniverseUnreadable,
)
