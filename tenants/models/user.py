"""A person who signs in, by e-mail."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes users whose e-mail is their name."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a person with this e-mail, stored in lower case; no password means no log-in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a platform operator."""
        return self.create_user(email, password, is_operator=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the person with this e-mail, whatever its case. Raises DoesNotExist."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """One person; what they may do lies in their memberships."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=60, blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick to end every session of this person.")
    )
    is_operator = models.BooleanField(
        _("platform operator"),
        default=False,
        help_text=_("Runs the installation; works inside a tenant they choose."),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ("email",)

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Return the person's name, or their e-mail where none is known; the admin shows it."""
        return str(self)

    @property
    def is_staff(self) -> bool:
        """Whether the person may pass Django's own staff checks; the admin site asks capabilities."""
        return self.is_active

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return False: capabilities of the membership in scope decide, see tenants.permissions."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Return False, for the same reason."""
        return False
