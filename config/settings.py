"""Settings, driven by the environment. The defaults need no service; .env.example lists all."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config.env import (
    database,
    email,
    env_bool,
    env_int,
    env_list,
    env_secret,
    env_str,
)
from config.schedule import SCHEDULE
from config.unfold import UNFOLD  # noqa: F401 -- a setting

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env_str("DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

INSECURE_SECRET_KEY = "insecure-default-for-a-single-machine-change-me-in-production"  # noqa: S105 -- public

DEBUG = env_bool("DEBUG", default=False)
# EMBEDDED: one machine, one process, no service; config.checks refuses it as production.
EMBEDDED = env_bool("EMBEDDED", default=True)
SECRET_KEY = env_secret("SECRET_KEY", INSECURE_SECRET_KEY)
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env_str("PUBLIC_URL").rstrip("/")
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
# Addresses that no per-address limit applies to: on one machine, that machine.
RATE_LIMIT_EXEMPT = env_list("RATE_LIMIT_EXEMPT", "127.0.0.1,::1" if EMBEDDED else "")
# Who brings it may read /metrics.
METRICS_TOKEN = env_secret("METRICS_TOKEN")
# Keys that seal partners' secrets in the database, newest first; a second one only opens.
SECRETS_KEY = [key.strip() for key in env_secret("SECRETS_KEY").split(",") if key.strip()]
# Hosts and networks that requests may go to though they are no public ones.
OUTWARD_ALLOWED = env_list("OUTWARD_ALLOWED")
# Whether what visitors write may be sent to a processor abroad (contract L13).
PROCESSORS_ABROAD = env_bool("PROCESSORS_ABROAD", default=False)

INSTALLED_APPS = [
    "daphne",
    "config",
    "tenants",
    "knowledge",
    "conversations",
    "reporting",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "config.apps.YingdaAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "channels",
    "import_export",
    "axes",
    "csp",
]
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.TenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TENANT_RESOLVERS = [
    "conversations.api.authentication.contact_token",
    "tenants.middleware.signed_in_person",
]

# Says which prober a visitor's device proves to be: probes are in no figure.
PROBE_VERIFIER = "reporting.services.probers.probe_named"

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.i18n",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_DATABASE_URL = env_secret("DATABASE_URL", f"sqlite:///{DATA_DIR / 'yingda.sqlite3'}")
_PLATFORM_DATABASE_URL = env_secret("PLATFORM_DATABASE_URL")
DATABASES = {"default": database(_DATABASE_URL)}
# Sweepers and log-in look across tenants: with row-level security that needs a role of its own.
PLATFORM_DATABASE = "default"
if _PLATFORM_DATABASE_URL:
    PLATFORM_DATABASE = "platform"
    DATABASES["platform"] = {
        **database(_PLATFORM_DATABASE_URL),
        "TEST": {"MIRROR": "default"},
    }
# The role the application runs as; migrations, run by the owner, grant it what it needs.
DATABASE_APP_ROLE = env_str("DATABASE_APP_ROLE")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env_secret("REDIS_URL")
CACHES = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    )
}

CELERY_BROKER_URL = env_secret("CELERY_BROKER_URL", REDIS_URL or "memory://localhost/")
# Every schedule is stateless: nothing for beat to keep in a file where it is started.
CELERY_BEAT_SCHEDULER = "celery.beat.Scheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE

# Threads of one web process that handle turns and console work; never the shared request thread.
TURN_THREADS = env_int("TURN_THREADS", 4)

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if EMBEDDED
        else "config.static.HashedStaticFiles"
    },
}
MEDIA_ROOT = DATA_DIR / "media"
# Megabytes that one file may have, that a visitor may send in a day, and that a tenant may take in.
ATTACHMENT_MB = env_int("ATTACHMENT_MB", 10)
ATTACHMENT_DAILY_MB = env_int("ATTACHMENT_DAILY_MB", 100)
ATTACHMENT_TENANT_DAILY_MB = env_int("ATTACHMENT_TENANT_DAILY_MB", 5000)
# Longest request body held in memory; uploads larger than this are refused by their own limits.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

for _name, _value in email(env_secret("EMAIL_URL", "console:")).items():
    globals()[_name] = _value
# The provider's name, on the reports of tenants without a contract on record.
PROVIDER_NAME = env_str("PROVIDER_NAME", "")
# Whether scheduled reports wait for somebody's approval instead of going out when they are made.
REPORTS_NEED_APPROVAL = env_bool("REPORTS_NEED_APPROVAL", default=False)
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "Yingda <no-reply@localhost>")

# Where group robots are reached; other values are for proxies and fakes.
DINGTALK_API_BASE = env_str("DINGTALK_API_BASE", "https://oapi.dingtalk.com").rstrip("/")
FEISHU_API_BASE = env_str("FEISHU_API_BASE", "https://open.feishu.cn").rstrip("/")
WECOM_API_BASE = env_str("WECOM_API_BASE", "https://qyapi.weixin.qq.com").rstrip("/")
# A watcher outside the platform that alarms when it is not called each minute (R10).
DEADMAN_URL = env_secret("DEADMAN_URL")

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "tenants.signing_in.counted_name"
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_CLIENT_IP_CALLABLE = "tenants.middleware.request_address"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

SESSION_COOKIE_AGE = env_int("SESSION_COOKIE_AGE", 12 * 3600)
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
SECURE_SSL_REDIRECT = not EMBEDDED
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if EMBEDDED else env_int("HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not EMBEDDED
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "media-src": [SELF, "blob:"],
        "manifest-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "tenants.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}

IMPORT_EXPORT_FORMATS = ["tenants.files.Csv", "tenants.files.Xlsx"]
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_SKIP_ADMIN_LOG = True
IMPORT_EXPORT_TMP_STORAGE_CLASS = "import_export.tmp_storages.CacheStorage"

LOG_LEVEL = env_str("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "tenants.logs.ContextFilter"}},
    "formatters": {
        "plain": {
            "format": "{asctime} {levelname} {name} {message} tenant={tenant}",
            "style": "{",
        },
        "json": {"()": "tenants.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["context"],
            "formatter": env_str("LOG_FORMAT", "plain"),
        }
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"level": "INFO", "propagate": True, "handlers": []},
        "django.server": {"level": "WARNING", "propagate": True, "handlers": []},
        "daphne": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "import_export": {"level": "WARNING"},
        # It would log every address called, and some hold a secret.
        "httpx2": {"level": "WARNING"},
    },
}
