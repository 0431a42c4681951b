"""Every error a caller can act on, under one root.

Each error carries its facts as fields and says three things: what happened, why, and what to
do next. `exit_code` is what the command line ends with.
"""

from batos.errors.copies import (
    BackupFailed as BackupFailed,
    BackupMissing as BackupMissing,
    BundleRefused as BundleRefused,
    Conflict as Conflict,
    Damaged as Damaged,
    FolderTaken as FolderTaken,
    ImportConflict as ImportConflict,
    NoSuchBackup as NoSuchBackup,
    NotExportable as NotExportable,
)
from batos.errors.growing import (
    ApprovalNeeded as ApprovalNeeded,
    BudgetSpent as BudgetSpent,
    ChildDied as ChildDied,
    ClosureTooLarge as ClosureTooLarge,
    EditRefused as EditRefused,
    ExamplesRefused as ExamplesRefused,
    ExamRefused as ExamRefused,
    GrowthFailed as GrowthFailed,
    PromotionRefused as PromotionRefused,
    SourceRefused as SourceRefused,
    WallsNeeded as WallsNeeded,
    WallsUnavailable as WallsUnavailable,
)
from batos.errors.minds import (
    AdapterMissing as AdapterMissing,
    AdapterNameRefused as AdapterNameRefused,
    AdapterRefused as AdapterRefused,
    EngineFailed as EngineFailed,
    MindMissing as MindMissing,
    MindNameRefused as MindNameRefused,
    PullFailed as PullFailed,
    PullInterrupted as PullInterrupted,
    WeightsDamaged as WeightsDamaged,
    WeightsRefused as WeightsRefused,
)
from batos.errors.objects import (
    ArgumentsRefused as ArgumentsRefused,
    DeliveryFailed as DeliveryFailed,
    ExtraMissing as ExtraMissing,
    MessageIdRefused as MessageIdRefused,
    MessageNotUnderstood as MessageNotUnderstood,
    MethodFailed as MethodFailed,
    NoSuchMethod as NoSuchMethod,
    NothingRuns as NothingRuns,
    NotStorable as NotStorable,
    OutsideUniverse as OutsideUniverse,
    PrimitiveFailed as PrimitiveFailed,
    QueueEmpty as QueueEmpty,
    SlotRefused as SlotRefused,
    TransactionOver as TransactionOver,
    ValueRefused as ValueRefused,
)
from batos.errors.past import (
    ConsentNeeded as ConsentNeeded,
    ForgetRefused as ForgetRefused,
    ForgettingUnfinished as ForgettingUnfinished,
    HistoryStays as HistoryStays,
    NoHistory as NoHistory,
    NoSuchMoment as NoSuchMoment,
    PastReadOnly as PastReadOnly,
    RestoreRefused as RestoreRefused,
    UndoConflict as UndoConflict,
)
from batos.errors.root import BatosError as BatosError
from batos.errors.universes import (
    AddressRefused as AddressRefused,
    DecisionRefused as DecisionRefused,
    DiskFull as DiskFull,
    NameRefused as NameRefused,
    NoSuchObject as NoSuchObject,
    NoSuchProposal as NoSuchProposal,
    NotInFolder as NotInFolder,
    SettingRefused as SettingRefused,
    StoreMissing as StoreMissing,
    UniverseBusy as UniverseBusy,
    UniverseDenied as UniverseDenied,
    UniverseExists as UniverseExists,
    UniverseMissing as UniverseMissing,
    UniverseReadOnly as UniverseReadOnly,
    UniverseUnreachable as UniverseUnreachable,
    UniverseUnreadable as UniverseUnreadable,
)

for _kind in [kind for kind in globals().values() if isinstance(kind, type)]:
    _kind.__module__ = __name__  # a traceback names an error as it is imported
